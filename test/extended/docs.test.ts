import { runsPage } from "../docs/page";

runsPage("README.md", { slow: true });
runsPage("docs/getting-started.md", { slow: true });
