#!/usr/bin/env node
"use strict";
require("./build").prepare();
require("../dist/driver/main");
