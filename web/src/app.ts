// What the pages do by themselves. All of them work without this.
import "htmx.org";
import { watchIdle } from "./idle";
import { keepLive } from "./live";
import { arrowKeys } from "./find";
import { drawPlots } from "./plot";
import { passkeyForms } from "./passkey";
import { printButton } from "./print";
import { themeButton } from "./theme";

watchIdle();
keepLive(drawPlots);
arrowKeys();
themeButton();
printButton();
passkeyForms();
drawPlots();
