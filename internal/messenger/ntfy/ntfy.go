// Package ntfy publishes to topics of ntfy.sh or of another ntfy server. Documentation:
// https://docs.ntfy.sh/publish/.
//
// Limits: 60 requests at once and then one every five seconds per visitor; a text has at
// most 4,096 bytes, a title 1,000.
//
// The messages of an incident have the same sequence id: a client shows the last one in place
// of the others (https://docs.ntfy.sh/publish/#updating-deleting-notifications). A server
// before 2.16.0 ignores the id, and its clients show each message.
//
// Outcomes: Sent needs the event "message" with its id in the body. ntfy's error code
// refines a failure. A 429 mostly has no Retry-After: the wait is until the next request
// is allowed, or until midnight UTC if the daily limit is reached.
package ntfy

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// Messenger publishes to a topic of an ntfy server (https://docs.ntfy.sh/publish/). It is
// not a Verifier: ntfy has a call that checks read access to a topic, and none that
// checks write access.
type Messenger struct{ endpoint call.Endpoint }

var _ messenger.Messenger = Messenger{}

// New returns a messenger that calls by an endpoint.
func New(e call.Endpoint) Messenger { return Messenger{endpoint: e} }

// Spec describes an address on ntfy. The server is part of the credential, since its
// rate limits are per visitor: an access token, or the client's IP address without one.
func (Messenger) Spec() messenger.Spec {
	return messenger.Spec{
		Name:  "ntfy",
		Title: "ntfy",
		Credential: messenger.Setting{
			Label:  "Server and access token",
			Hint:   "https://ntfy.sh#tk_…, or your own server's URL; without # and the token if publishing is public",
			Secret: true,
			URL:    true,
			Check:  checkServer,
		},
		Destination: messenger.Setting{
			Label: "Topic",
			Hint:  "such as alerts; it is not sealed: keep the name of a public topic secret",
			Check: checkTopic,
		},
		Limits: messenger.Limits{Credential: visitorRate},
	}
}

// visitorRate is the default rate limit of a visitor
// (https://docs.ntfy.sh/publish/#limitations): 60 requests at once, and one more every
// five seconds. A message has at most 4,096 bytes, or becomes a file; a title has at
// most 1 KB.
var visitorRate = ratelimit.Rate{Count: 12, Per: time.Minute, Burst: 60}

const (
	textLimit  = 4096
	titleLimit = 1000
)

// Send publishes the message. Its details follow its text; title, link, priority, tags,
// buttons and the sequence id are headers.
func (n Messenger) Send(ctx context.Context, m messenger.Message) messenger.Outcome {
	server, token, err := splitCredential(m.Credential)
	if err != nil {
		return call.BadCredential(err)
	}
	if err := checkTopic(m.Destination); err != nil { // or it could change the path
		return call.BadDestination(err)
	}
	text, cut := messenger.Truncate(messenger.Message{Text: m.Text, Details: m.Details}.PlainText(), textLimit, messenger.ByteLen)
	title, titleCut := messenger.Truncate(m.Title, titleLimit, messenger.ByteLen)
	header := http.Header{"Content-Type": {"text/plain; charset=utf-8"}}
	for name, value := range map[string]string{
		"Title":         title,
		"Click":         m.Link,
		"Priority":      priorityOf(m),
		"Tags":          tagOf(m),
		"Actions":       actionsOf(m),
		"X-Sequence-Id": sequenceID(m),
	} {
		if value != "" {
			header.Set(name, mime.BEncoding.Encode("utf-8", value)) // https://docs.ntfy.sh/publish/#message-title: RFC 2047
		}
	}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	r := n.endpoint.Post(ctx, server+"/"+m.Destination, []byte(text), header)
	o := call.ReadJSON[reply](r).refine(n.endpoint.Outcome(r), n.endpoint.Now())
	o.Truncated = cut || titleCut
	if token == "" { // the credential is no secret then, and responses may contain the server
		return call.Redact(o, call.AckSecrets(m)...)
	}
	return call.Redact(o, append(call.AckSecrets(m), m.Credential, token)...)
}

// splitCredential splits a credential: the server's URL without a trailing slash, and the
// token, which is empty if there is none.
func splitCredential(credential string) (server, token string, err error) {
	server, token, given := strings.Cut(credential, "#")
	if err := messenger.CheckURL(server); err != nil {
		return "", "", err
	}
	if u, err := url.Parse(server); err != nil || u.RawQuery != "" || u.ForceQuery {
		return "", "", errors.New("must be a server URL without a query, such as https://ntfy.sh#tk_…")
	}
	if given && messenger.CheckToken(token) != nil {
		return "", "", errors.New("must have an access token after the #, as in https://ntfy.sh#tk_…")
	}
	return strings.TrimRight(server, "/"), token, nil
}

func checkServer(value string) error {
	_, _, err := splitCredential(value)
	return err
}

// topicPattern matches a valid topic (https://docs.ntfy.sh/publish/#picking-a-topic).
var topicPattern = regexp.MustCompile(`^[-_A-Za-z0-9]{1,64}$`)

func checkTopic(value string) error {
	if !topicPattern.MatchString(value) {
		return errors.New("must be a topic: at most 64 letters, digits, underscores and dashes")
	}
	return nil
}
