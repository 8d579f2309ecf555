// The theme changes in place; the server remembers it for the next page.
export function themeButton(): void {
  const button = document.querySelector<HTMLButtonElement>("[data-theme-button]");
  const form = button?.form;
  const input = form?.querySelector<HTMLInputElement>("input[name=theme]");
  if (!button || !form || !input) return;
  // Without a choice the browser's preference rules, which the server cannot see.
  if (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches) {
    input.value = "light";
    button.textContent = "Light";
  }
  form.addEventListener("submit", (e) => {
    e.preventDefault();
    const theme = input.value;
    void fetch("/theme", { method: "POST", body: new URLSearchParams({ theme }), redirect: "manual" });
    document.documentElement.dataset.theme = theme;
    input.value = theme === "dark" ? "light" : "dark";
    button.textContent = theme === "dark" ? "Light" : "Dark";
    document.dispatchEvent(new Event("wk-theme"));
  });
}
