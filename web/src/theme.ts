// The theme changes in place; the server remembers it for the next page.
export function themeButton(): void {
  const button = document.querySelector<HTMLButtonElement>("[data-theme-button]");
  const form = button?.form;
  const input = form?.querySelector<HTMLInputElement>("input[name=theme]");
  if (!button || !form || !input) return;
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
