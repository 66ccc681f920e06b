package messenger

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// Ntfy publishes to a topic of an ntfy server (https://docs.ntfy.sh/publish/). It is
// not a Verifier: ntfy has a call that checks read access to a topic, and none that
// checks write access.
type Ntfy struct{ endpoint Endpoint }

var _ Messenger = Ntfy{}

// NewNtfy returns a messenger that calls by an endpoint.
func NewNtfy(e Endpoint) Ntfy { return Ntfy{endpoint: e} }

// Spec describes an address on ntfy. The server is part of the credential, since its
// rate limits are per visitor: an access token, or the client's IP address without one.
func (Ntfy) Spec() Spec {
	return Spec{
		Name:  "ntfy",
		Title: "ntfy",
		Credential: Setting{
			Label:  "Server and access token",
			Hint:   "https://ntfy.sh#tk_…, or your own server's URL; without # and the token if publishing is public",
			Secret: true,
			URL:    true,
			Check:  checkNtfyServer,
		},
		Destination: Setting{
			Label: "Topic",
			Hint:  "such as alerts; it is not sealed: keep the name of a public topic secret",
			Check: checkTopic,
		},
		Limits: Limits{Credential: ntfyVisitor},
	}
}

// ntfyVisitor is the default rate limit of a visitor
// (https://docs.ntfy.sh/publish/#limitations): 60 requests at once, and one more every
// five seconds. A message has at most 4,096 bytes, or becomes a file; a title has at
// most 1 KB.
var ntfyVisitor = ratelimit.Rate{Count: 12, Per: time.Minute, Burst: 60}

const (
	ntfyText  = 4096
	ntfyTitle = 1000
)

// Send publishes the message. Its details follow its text; title, link, priority and
// tags are headers.
func (n Ntfy) Send(ctx context.Context, m Message) Outcome {
	server, token, err := ntfyServer(m.Credential)
	if err != nil {
		return badCredentialOutcome(err)
	}
	if err := checkTopic(m.Destination); err != nil { // or it could change the path
		return badDestinationOutcome(err)
	}
	text, cut := truncate(Message{Text: m.Text, Details: m.Details}.PlainText(), ntfyText, byteLen)
	title, titleCut := truncate(m.Title, ntfyTitle, byteLen)
	header := http.Header{"Content-Type": {"text/plain; charset=utf-8"}}
	for name, value := range map[string]string{
		"Title":    title,
		"Click":    m.Link,
		"Priority": ntfyPriorities[m.rank()],
		"Tags":     ntfyTags[m.rank()],
	} {
		if value != "" {
			header.Set(name, mime.BEncoding.Encode("utf-8", value)) // https://docs.ntfy.sh/publish/#message-title: RFC 2047
		}
	}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	r := n.endpoint.post(ctx, server+"/"+m.Destination, []byte(text), header)
	o := readJSON[ntfyReply](r).refine(n.endpoint.outcome(r), n.endpoint.Now())
	o.Truncated = cut || titleCut
	if token == "" { // the credential is no secret then, and responses may contain the server
		return redactOutcome(o)
	}
	return redactOutcome(o, m.Credential, token)
}

// Priorities are from 1 to 5, 3 by default
// (https://docs.ntfy.sh/publish/#message-priority); tags are names of emojis
// (https://docs.ntfy.sh/emojis/). Ranks without an entry send no header.
var (
	ntfyPriorities = map[job.Rank]string{job.Critical: "5", job.High: "4", job.Low: "2"}
	ntfyTags       = map[job.Rank]string{job.Critical: "rotating_light", job.High: "warning"}
)

// ntfyServer splits a credential: the server's URL without a trailing slash, and the
// token, which is empty if there is none.
func ntfyServer(credential string) (server, token string, err error) {
	server, token, given := strings.Cut(credential, "#")
	if err := checkURL(server); err != nil {
		return "", "", err
	}
	if u, err := url.Parse(server); err != nil || u.RawQuery != "" || u.ForceQuery {
		return "", "", errors.New("must be a server URL without a query, such as https://ntfy.sh#tk_…")
	}
	if given && checkToken(token) != nil {
		return "", "", errors.New("must have an access token after the #, as in https://ntfy.sh#tk_…")
	}
	return strings.TrimRight(server, "/"), token, nil
}

func checkNtfyServer(value string) error {
	_, _, err := ntfyServer(value)
	return err
}

// ntfyTopic matches a valid topic (https://docs.ntfy.sh/publish/#picking-a-topic).
var ntfyTopic = regexp.MustCompile(`^[-_A-Za-z0-9]{1,64}$`)

func checkTopic(value string) error {
	if !ntfyTopic.MatchString(value) {
		return errors.New("must be a topic: at most 64 letters, digits, underscores and dashes")
	}
	return nil
}
