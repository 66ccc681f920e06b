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
)

// Ntfy publishes to a topic of an ntfy server (https://docs.ntfy.sh/publish/). It is
// no Verifier: ntfy has a call that says who may read a topic, and none that says who
// may publish to it.
type Ntfy struct{ Endpoint }

var _ Messenger = Ntfy{}

// Spec describes an address on ntfy. The server stands in the credential, since it
// counts what its visitors do, and a visitor is a token, or an address of ours without
// one.
func (Ntfy) Spec() Spec {
	return Spec{
		Name:  "ntfy",
		Title: "ntfy",
		Credential: Setting{
			Label:  "Server and access token",
			Hint:   "https://ntfy.sh#tk_…, or your own server's URL; without # and the token where everybody may publish",
			Secret: true,
			URL:    true,
			Check:  checkNtfyServer,
		},
		Destination: Setting{
			Label: "Topic",
			Hint:  "such as alerts; it is not sealed: one that everybody may read is as good as a password",
			Check: checkTopic,
		},
		Limits: Limits{Credential: ntfyVisitor},
	}
}

// What ntfy says of its limits (https://docs.ntfy.sh/publish/#limitations): by default
// a visitor may make 60 requests at once, and one more every five seconds; a message
// has at most 4,096 bytes, or becomes a file; a title has at most 1 KB.
var ntfyVisitor = Rate{Count: 12, Per: time.Minute, Burst: 60}

const (
	ntfyText  = 4096
	ntfyTitle = 1000
)

// Send publishes the message. Its details stand below its text; the title, the link
// and how urgent it is are headers.
func (n Ntfy) Send(ctx context.Context, m Message) Outcome {
	server, token, err := ntfyServer(m.Credential)
	if err != nil {
		return uncallable(err)
	}
	if err := checkTopic(m.Destination); err != nil { // or it could be another path
		return unreachable(err)
	}
	text, cut := fit(Message{Text: m.Text, Details: m.Details}.Full(), ntfyText, bytesOf)
	title, titleCut := fit(m.Title, ntfyTitle, bytesOf)
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
	r := n.post(ctx, server+"/"+m.Destination, []byte(text), header)
	o := readJSON[ntfyReply](r).judge(n.outcome(r), n.Now())
	o.Cut = cut || titleCut
	if token == "" { // then the credential is no secret, and answers may name the server
		return o.without()
	}
	return o.without(m.Credential, token)
}

// Priorities are from 1 to 5, and 3 unless said
// (https://docs.ntfy.sh/publish/#message-priority); tags are names of emojis
// (https://docs.ntfy.sh/emojis/). What is not here says nothing of the message.
var (
	ntfyPriorities = map[job.Rank]string{job.Critical: "5", job.High: "4", job.Low: "2"}
	ntfyTags       = map[job.Rank]string{job.Critical: "rotating_light", job.High: "warning"}
)

// ntfyServer takes a credential apart: the server's URL without a slash at its end, and
// the token, which is empty where there is none.
func ntfyServer(credential string) (server, token string, err error) {
	server, token, given := strings.Cut(credential, "#")
	if err := checkURL(server); err != nil {
		return "", "", err
	}
	if u, err := url.Parse(server); err != nil || u.RawQuery != "" || u.ForceQuery {
		return "", "", errors.New("must be a server's URL without a query, such as https://ntfy.sh#tk_…")
	}
	if given && checkToken(token) != nil {
		return "", "", errors.New("must have an access token behind the #, as in https://ntfy.sh#tk_…")
	}
	return strings.TrimRight(server, "/"), token, nil
}

func checkNtfyServer(value string) error {
	_, _, err := ntfyServer(value)
	return err
}

// ntfyTopic is what ntfy takes for one (https://docs.ntfy.sh/publish/#picking-a-topic).
var ntfyTopic = regexp.MustCompile(`^[-_A-Za-z0-9]{1,64}$`)

func checkTopic(value string) error {
	if !ntfyTopic.MatchString(value) {
		return errors.New("must be a topic: at most 64 letters, digits, underscores and dashes")
	}
	return nil
}
