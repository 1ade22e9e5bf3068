/**
 * <manga-assist>: the shop assistant's chat as one dependency-free custom element (see element.js).
 *
 *   <script type="module" src="https://shop.example/widget/v1/widget.js"></script>
 *   <manga-assist lang="ja" context='{"series":"berserk"}'></manga-assist>
 *
 * The page may forbid inline styles and scripts and require Trusted Types: everything is built with createElement and
 * textContent, and the one style sheet is a <link> to widget.css beside this file.
 */

import { MangaAssist } from "./element.js";

if (!customElements.get("manga-assist")) customElements.define("manga-assist", MangaAssist);
