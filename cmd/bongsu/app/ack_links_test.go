package app

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1/mockupv1connect"
	"github.com/bongsu-project/bongsu/internal/acklink"
	"github.com/bongsu-project/bongsu/internal/sealkey"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/edge"
)

// publicURL is that of the deployments of the tests, which no name server knows.
const publicURL = "https://bongsu.example.com"

// A linkDeployment is a running Bongsu with acknowledgment links.
type linkDeployment struct {
	inboxCaller        // with the first API key
	keys        string // path of the file with the link keys
	mockup      string // URL
	logged      *loggedApp
}

// linkDeployments are one process, which creates its link key, and one for each service, which
// share a file. Callers need credentials.
var linkDeployments = map[string]func(*testing.T) linkDeployment{
	"one process": func(t *testing.T) linkDeployment {
		data := t.TempDir()
		a := runLogged(t, Config{Services: []string{"all", Mockup}, Data: data, PublicURL: publicURL + "/", Edge: edge.Config{Auth: edge.AuthRequired}})
		return linkDeployment{inboxCaller{t, a.edge, adminKey(t, data)}, filepath.Join(data, linkKeyFile), "http://" + a.Addr(Mockup), a}
	},
	"parts": func(t *testing.T) linkDeployment {
		log := slog.New(slog.DiscardHandler)
		nats, dir := startNATS(t), t.TempDir()
		sealed, keys := filepath.Join(dir, "seal.key"), filepath.Join(dir, "link.key")
		kittest.NoError(t, sealkey.Format.CreateKeyFile(sealed))
		kittest.NoError(t, os.WriteFile(keys, []byte(strings.Repeat("n", 40)+"\n"), 0o600))
		fakes := runApp(t, Config{Services: []string{Mockup}, NATSURL: nats, Log: log})
		runApp(t, Config{Services: []string{Directory, Alert}, NATSURL: nats, SealKeyFile: sealed, Log: log})
		runApp(t, Config{Services: []string{Inbox}, NATSURL: nats, Log: log})
		runApp(t, Config{Services: []string{Incident}, NATSURL: nats, Log: log})
		mockup := "http://" + fakes.Addr(Mockup)
		runApp(t, Config{Services: []string{Sender}, NATSURL: nats, SealKeyFile: sealed, PublicURL: publicURL, LinkKeyFile: keys, Providers: ProviderConfig{URL: mockup}, Log: log})
		data := t.TempDir()
		a := runLogged(t, Config{Services: []string{Edge, Access}, Data: data, NATSURL: nats, PublicURL: publicURL, LinkKeyFile: keys, Edge: edge.Config{Auth: edge.AuthRequired}})
		return linkDeployment{inboxCaller{t, a.edge, adminKey(t, data)}, keys, mockup, a}
	},
}

// open requests the page of a link as a browser does, without credentials.
func (d linkDeployment) open(method, link string) rawResponse {
	d.t.Helper()
	u, err := url.Parse(link)
	kittest.NoError(d.t, err)
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.edge+u.Path, http.NoBody)
	kittest.NoError(d.t, err)
	req.Host = u.Host
	if method == http.MethodPost { // by the button of the page
		req.Header.Set("Origin", u.Scheme+"://"+u.Host)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := http.DefaultClient.Do(req)
	kittest.NoError(d.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	kittest.NoError(d.t, err)
	return rawResponse{res.StatusCode, res.Header, body}
}

// requirePage opens a link and requires a status and a text of its page.
func (d linkDeployment) requirePage(method, link string, status int, text string) {
	d.t.Helper()
	if res := d.open(method, link); res.status != status || !strings.Contains(string(res.body), text) {
		d.t.Errorf("%s: %d, want %d %q: %s", method, res.status, status, text, res.body)
	}
}

// sign returns a link for kim, signed by a key of the deployment.
func (d linkDeployment) sign(incident string, expire time.Time) string {
	d.t.Helper()
	text, err := os.ReadFile(d.keys)
	kittest.NoError(d.t, err)
	keys, err := acklink.ParseKeys(text)
	kittest.NoError(d.t, err)
	id, err := strconv.ParseInt(incident, 10, 64)
	kittest.NoError(d.t, err)
	return keys.URL(publicURL, acklink.Claim{Incident: id, Nickname: "kim", Expire: expire})
}

// messages returns the texts that Slack shows.
func (d linkDeployment) messages() (texts []string) {
	d.t.Helper()
	res, err := mockupv1connect.NewMockupServiceClient(http.DefaultClient, d.mockup).ListMessages(d.t.Context(), &mockupv1.ListMessagesRequest{Provider: "slack"})
	kittest.NoError(d.t, err)
	for _, m := range res.GetMessages() {
		texts = append(texts, m.GetText())
	}
	return texts
}

// links returns the acknowledgment links in the calls to Slack.
func (d linkDeployment) links() (links []string) {
	d.t.Helper()
	res, err := mockupv1connect.NewMockupServiceClient(http.DefaultClient, d.mockup).ListCalls(d.t.Context(), &mockupv1.ListCallsRequest{})
	kittest.NoError(d.t, err)
	for _, c := range res.GetCalls() {
		for _, quoted := range strings.Split(c.GetBody(), `"`) {
			if strings.HasPrefix(quoted, publicURL+acklink.Path) {
				links = append(links, quoted)
			}
		}
	}
	return links
}

// inboxLink returns the link of the newest item of kim's inbox.
func (d linkDeployment) inboxLink() string {
	d.t.Helper()
	items := d.must("GET", "/v1/inbox?nickName=kim", "")["items"].([]any)
	link, _ := items[0].(map[string]any)["ackUrl"].(string)
	return link
}

// audited returns the acknowledgments in the audit log.
func (d linkDeployment) audited() (all []string) {
	d.t.Helper()
	entries, _ := d.must("GET", "/v1/audit?procedure=bongsu.incident.v1.IncidentService/AckIncident", "")["entries"].([]any)
	for _, e := range entries {
		e := e.(map[string]any)
		all = append(all, fmt.Sprint(e["callerName"], " ", e["resource"], " ", e["outcome"]))
	}
	return all
}

// TestAckLink follows links of messages: showing the page changes nothing, its button acknowledges
// the incident in the name of the recipient, and everybody's message says so.
func TestAckLink(t *testing.T) {
	for name, run := range linkDeployments {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := run(t)
			awaitThat(t, "the edge is ready", func() bool { status, _ := d.call("GET", "/readyz", ""); return status == http.StatusOK })
			d.createUsers("kim")
			d.must("POST", "/v1/users", `{"nickName":"lee","addresses":[{"messenger":"slack","credential":"SLACK-LEE-TOKEN","destination":"C1"}]}`)
			id := d.must("POST", "/v1/alerts", `{"target":["@kim","@lee"],"severity":"high","message":"disk <b>is</b> full","key":"disk of db1"}`)["id"].(string)
			state := func() string { i, _ := d.incident(id); return fmt.Sprint(i["state"], " ", i["ackBy"]) }
			awaitThat(t, "both are notified", func() bool { return d.lastText() != "" && len(d.messages()) == 1 })
			awaitThat(t, "the incident is open", func() bool { return len(d.incidents("openOnly=true")) == 1 })
			kims, lees := d.inboxLink(), d.links()
			if !strings.HasPrefix(kims, publicURL+acklink.Path) || len(lees) != 1 || kims == lees[0] {
				t.Fatalf("links: %q, %q", kims, lees)
			}

			// A preview, and a person who only looks.
			for _, method := range []string{http.MethodHead, http.MethodGet, http.MethodGet} {
				kittest.Equal(t, d.open(method, kims).status, http.StatusOK)
			}
			page := d.open(http.MethodGet, kims)
			for _, text := range []string{"disk &lt;b&gt;is&lt;/b&gt; full", "high", "Firing, not acknowledged", "Acknowledge as kim", `<form method="post">`} {
				if !strings.Contains(string(page.body), text) {
					t.Errorf("the page has no %q: %s", text, page.body)
				}
			}
			for name, want := range map[string]string{
				"Cache-Control": "no-store", "Referrer-Policy": "same-origin", "X-Content-Type-Options": "nosniff", "X-Robots-Tag": "noindex, nofollow",
				"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
			} {
				kittest.Equal(t, page.header.Get(name), want)
			}
			// Links that are not valid.
			expired := d.sign(id, time.Now().Add(-time.Second))
			d.requirePage(http.MethodGet, expired, http.StatusGone, "This link has expired")
			d.requirePage(http.MethodPost, expired, http.StatusGone, "This link has expired")
			changed := kims[:len(kims)-5] + map[bool]string{true: "b", false: "a"}[kims[len(kims)-5] == 'a'] + kims[len(kims)-4:]
			for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
				kittest.Equal(t, d.open(method, changed).status, http.StatusUnauthorized)
			}
			for _, method := range []string{http.MethodPut, http.MethodDelete} {
				kittest.Equal(t, d.open(method, kims).status, http.StatusMethodNotAllowed)
			}
			d.requirePage(http.MethodPost, d.sign("7", time.Now().Add(time.Hour)), http.StatusNotFound, "does not exist")
			kittest.Equal(t, state(), "INCIDENT_STATE_FIRING ")
			kittest.Equal(t, d.audited(), []string{"kim incidents/7 not_found"})

			d.requirePage(http.MethodPost, kims, http.StatusOK, "Acknowledged by kim")
			kittest.Equal(t, state(), "INCIDENT_STATE_ACKNOWLEDGED kim")
			kittest.Equal(t, d.audited()[0], "kim incidents/"+id+" ok")
			awaitThat(t, "kim is shown it", func() bool {
				return d.lastText() == "[high] acknowledged: disk <b>is</b> full (by kim)" && d.inboxLink() == ""
			})
			awaitThat(t, "lee's message is changed", func() bool { all := d.messages(); return len(all) == 1 && strings.Contains(all[0], "(by kim)") })

			// Once more, by both.
			d.requirePage(http.MethodPost, kims, http.StatusOK, "Acknowledged by ")
			d.requirePage(http.MethodGet, lees[0], http.StatusOK, "Acknowledged by ")
			d.must("POST", "/v1/incidents/"+id+":resolve", `{}`)
			d.requirePage(http.MethodGet, lees[0], http.StatusOK, "Resolved at")
			d.requirePage(http.MethodPost, lees[0], http.StatusConflict, "The incident is resolved")
			for _, text := range []string{d.logged.log.String(), d.logged.access.String()} {
				for _, link := range append(lees, kims, expired) {
					if token := strings.TrimPrefix(link, publicURL+acklink.Path); strings.Contains(text, token) {
						t.Errorf("a log has the token of a link")
					}
				}
			}
		})
	}
}

// TestLinkSettings checks the settings of links by themselves: a process refuses those that cannot
// work.
func TestLinkSettings(t *testing.T) {
	keys := filepath.Join(t.TempDir(), "link.key")
	const needed = "--public-url needs --link-key-file, the same for the edge and the senders"
	for _, row := range []struct {
		config Config
		want   string // empty for no error
	}{
		{Config{LinkKeyFile: keys}, "--link-key-file needs --public-url"},
		{Config{Services: []string{Edge}, NATSURL: "nats://h", PublicURL: publicURL}, needed},
		{Config{Services: []string{Sender}, NATSURL: "nats://h", PublicURL: publicURL}, needed},
		{Config{Services: []string{Sender}, NATSURL: "nats://h", PublicURL: publicURL, LinkKeyFile: keys}, ""},
		{Config{PublicURL: publicURL}, ""},
	} {
		row.config.Data = t.TempDir()
		_, err := row.config.complete()
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%v: %v, want %s", row.config.Services, err, row.want)
		}
	}
	for text, want := range map[string]string{"": "no key", "short": "line 1 has 5 characters", "absent": "no such file"} {
		path := filepath.Join(t.TempDir(), "link.key")
		if text != "absent" {
			kittest.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		}
		_, err := New(t.Context(), Config{Data: t.TempDir(), PublicURL: publicURL, LinkKeyFile: path, Edge: edge.Config{Addr: "127.0.0.1:0"}, Log: slog.New(slog.DiscardHandler)})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "link key") {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
