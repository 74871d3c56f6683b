import { runsPage } from "../docs/page";

runsPage("README.md", { slow: false });
