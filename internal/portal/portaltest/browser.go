package portaltest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// ErrNoBrowser says that no Chromium is installed.
var ErrNoBrowser = errors.New("portaltest: no chromium on this machine")

// Browser is a real Chromium with a profile of its own, which talks to nobody
// but the pages it is sent to.
type Browser struct {
	Context context.Context
	close   func()

	mu      sync.Mutex
	console []string
}

// NewBrowser starts one; profile is an empty folder that it may fill.
func NewBrowser(ctx context.Context, profile string) (*Browser, error) {
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		return nil, ErrNoBrowser
	}
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("ignore-certificate-errors", true), chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("disable-features", "OptimizationHints,MediaRouter,Translate"),
	}
	alloc, stopAlloc := chromedp.NewExecAllocator(ctx, options...)
	tab, stopTab := chromedp.NewContext(alloc)
	b := &Browser{Context: tab, close: func() { stopTab(); stopAlloc() }}
	if err := chromedp.Do(tab); err != nil {
		b.close()
		return nil, fmt.Errorf("portaltest.NewBrowser: %w", err)
	}
	go b.listen(chromedp.Console(tab))
	return b, nil
}

// Tab opens another tab, with the same cookies.
func (b *Browser) Tab() (*Browser, error) {
	tab, stop := chromedp.NewContext(b.Context)
	other := &Browser{Context: tab, close: stop}
	if err := chromedp.Do(tab); err != nil {
		stop()
		return nil, fmt.Errorf("portaltest.Tab: %w", err)
	}
	go other.listen(chromedp.Console(tab))
	return other, nil
}

// listen keeps what pages complain of, so that a test can insist on silence.
func (b *Browser) listen(messages iter.Seq2[chromedp.ConsoleMessage, error]) {
	for m, err := range messages {
		if err != nil {
			return
		}
		b.mu.Lock()
		b.console = append(b.console, m.String())
		b.mu.Unlock()
	}
}

// Complaints returns what pages wrote to the console since the last call:
// errors, and what the content security policy stopped.
func (b *Browser) Complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.console
	b.console = nil
	return all
}

// Close ends it.
func (b *Browser) Close() { b.close() }

// Run does the steps, within half a minute.
func (b *Browser) Run(steps ...chromedp.Action[chromedp.Void]) error {
	ctx, cancel := context.WithTimeout(b.Context, 30*time.Second)
	defer cancel()
	return chromedp.Do(ctx, steps...)
}

// Ask evaluates a script, waits for its promise and returns its value.
func Ask[T any](b *Browser, script string) (T, error) {
	ctx, cancel := context.WithTimeout(b.Context, 30*time.Second)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
}

// Size sets the window.
func (b *Browser) Size(width, height int64) error {
	return b.Run(chromedp.EmulateViewport(width, height))
}

// Dark makes pages believe in a preference for dark (or light) colours.
func (b *Browser) Dark(dark bool) error {
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	return b.Run(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	}))
}

// Agent makes the browser call itself something else.
func (b *Browser) Agent(name string) error {
	return b.Run(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: name})
		return err
	}))
}

// Authenticator gives the browser a virtual one, which makes passkeys and says
// yes to everything, having verified its user if so asked. The returned function
// changes whether it does.
func (b *Browser) Authenticator() (verifies func(bool) error, err error) {
	var id webauthn.AuthenticatorID
	err = b.Run(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if _, err := cdp.Call(ctx, t, webauthn.Enable, webauthn.EnableParams{}); err != nil {
			return err
		}
		made, err := cdp.Call(ctx, t, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: "ctap2", Transport: "internal", HasResidentKey: true, HasUserVerification: true,
			IsUserVerified: true, AutomaticPresenceSimulation: true,
		}})
		id = made.AuthenticatorID
		return err
	}))
	return func(yes bool) error {
		return b.Run(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: id, IsUserVerified: yes})
			return err
		}))
	}, err
}

// SignIn signs the nurse in at base.
func (b *Browser) SignIn(base string) error {
	return b.Run(
		chromedp.Navigate(base+"/sign-in"), chromedp.WaitVisible("#user"),
		chromedp.SendKeys("#user", User), chromedp.SendKeys("#password", Password), chromedp.Submit("#password"),
		chromedp.WaitVisible("#code"), chromedp.SendKeys("#code", Code), chromedp.Submit("#code"),
		chromedp.WaitVisible("#q"),
	)
}

// Screenshot writes the visible window, or the whole page, as PNG.
func (b *Browser) Screenshot(file string, whole bool) error {
	ctx, cancel := context.WithTimeout(b.Context, 30*time.Second)
	defer cancel()
	shot := chromedp.CaptureScreenshot()
	if whole {
		shot = chromedp.FullScreenshot(100)
	}
	png, err := chromedp.Run(ctx, shot)
	if err != nil {
		return err
	}
	return os.WriteFile(file, png, 0o600)
}

// Violation is one finding of axe-core.
type Violation struct {
	ID     string   `json:"id"`
	Impact string   `json:"impact"`
	Help   string   `json:"help"`
	Nodes  []string `json:"nodes"`
}

// String tells a finding on one line.
func (v Violation) String() string {
	return v.ID + " (" + v.Impact + "): " + v.Help + " at " + strings.Join(v.Nodes, " | ")
}

// Axe runs axe-core, whose source is handed in, on the page that is open.
func (b *Browser) Axe(source string) ([]Violation, error) {
	if err := b.Run(chromedp.Evaluate[chromedp.Void](source + ";0")); err != nil {
		return nil, err
	}
	return Ask[[]Violation](b, `axe.run(document, {runOnly: ["wcag2a","wcag2aa","wcag21a","wcag21aa","wcag22aa","best-practice"]}).then(r =>
		r.violations.map(v => ({id: v.id, impact: v.impact, help: v.help, nodes: v.nodes.map(n => n.target.join(" ") + " " + (n.any[0]?.message ?? ""))})))`)
}

// Shift is the cumulative layout shift since the page was opened.
func (b *Browser) Shift() (float64, error) {
	return Ask[float64](b, `new Promise(done => { let sum = 0;
		new PerformanceObserver(list => { for (const e of list.getEntries()) sum += e.value; }).observe({type: "layout-shift", buffered: true});
		setTimeout(() => done(sum), 250); })`)
}
