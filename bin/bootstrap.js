#!/usr/bin/env node
"use strict";
// `node bin/bootstrap.js MODULE [ARGS]`: prepares the checkout, then runs dist/MODULE.
require("./build").prepare();
const [, , module_, ...args] = process.argv;
process.argv = [process.argv[0], require.resolve(`../dist/${module_}`), ...args.filter((a, i) => i > 0 || a !== "--")];
require(`../dist/${module_}`);
