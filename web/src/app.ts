// What the pages do by themselves. All of them work without this.
import "htmx.org";
import { keepDrafts } from "./drafts";
import { watchIdle } from "./idle";
import { keepLive } from "./live";
import { arrowKeys } from "./find";
import { drawPlots } from "./plot";
import { passkeyForms } from "./passkey";
import { printButton } from "./print";
import { themeButton } from "./theme";
import { workingMenu } from "./working";

keepDrafts(); // before pages are blanked
watchIdle();
document.documentElement.classList.add("scripts");
keepLive(drawPlots);
arrowKeys();
themeButton();
workingMenu();
printButton();
passkeyForms();
drawPlots();
