import { gateView, quantity } from "../view/gates";
import type { Notice } from "./notice";
