package mockup

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

var (
	ntfyTopic = regexp.MustCompile(`^[-_A-Za-z0-9]{1,64}$`)
	ntfyToken = regexp.MustCompile(`^Bearer tk_[A-Za-z0-9]+$`)
)

// ntfy publishes to a topic as an ntfy server without attachments. It accepts every
// token and every topic; errors that depend on those are set by SetFault.
func (m *Mockup) ntfy(r *http.Request, body []byte) response {
	topic, auth := r.PathValue("topic"), r.Header.Get("Authorization")
	title, titleErr := new(mime.WordDecoder).DecodeHeader(r.Header.Get("Title"))
	click, clickErr := new(mime.WordDecoder).DecodeHeader(r.Header.Get("Click"))
	priority, known := ntfyPriority(r.Header.Get("Priority"))
	tags := r.Header.Get("Tags")
	sequence := cmp.Or(r.Header.Get("X-Sequence-Id"), r.Header.Get("Sequence-Id"), r.Header.Get("Sid"))
	actions, actionsErr := ntfyActions(r.Header.Get("Actions"))
	switch {
	case auth != "" && !ntfyToken.MatchString(auth):
		return ntfyError(40101, "unauthorized")
	case m.takeLimit("ntfy "+auth, 1.0/5, 60) > 0: // see internal/messenger/ntfy
		return ntfyError(42901, "limit reached: too many requests, please be nice")
	case !ntfyTopic.MatchString(topic):
		return ntfyError(40401, "page not found")
	case slices.Contains([]string{"docs", "static", "file", "app", "account", "settings", "signup", "login"}, topic):
		return ntfyError(40010, "invalid request: topic name is disallowed")
	case titleErr != nil, clickErr != nil, len(title) > 1024, len(tags) > 512:
		return ntfyError(40000, "invalid request: title, click or tags") // the code is unverified
	case sequence != "" && !ntfyTopic.MatchString(sequence): // a sequence id has the form of a topic
		return ntfyError(40049, "invalid request: sequence ID invalid")
	case actionsErr != nil:
		return ntfyError(40018, "invalid request: actions invalid; "+actionsErr.Error())
	case !known:
		return ntfyError(40007, "invalid priority parameter")
	case len(body) > 4096:
		return ntfyError(40014, "invalid request: attachments not allowed")
	case !utf8.Valid(body):
		return ntfyError(40011, "invalid message: message must be UTF-8 encoded")
	}
	now := m.Now()
	published := ntfyMessage{
		ID:       strconv.FormatInt(m.uniqueMicros(), 36),
		Time:     now.Unix(),
		Expires:  now.Add(12 * time.Hour).Unix(),
		Event:    "message",
		Topic:    topic,
		Title:    title,
		Message:  strings.TrimSpace(string(body)),
		Priority: priority,
		Click:    click,
		Actions:  actions,
	}
	published.SequenceID = cmp.Or(sequence, published.ID)
	if published.Message == "" {
		published.Message = "triggered"
	}
	if tags != "" {
		published.Tags = strings.Split(tags, ",")
	}
	a := jsonResponse(http.StatusOK, published)
	a.effect = m.putMessage(Message{Provider: "ntfy", Destination: topic, ID: published.SequenceID, Text: published.Message})
	return a
}

// ntfyActions parses the buttons of a message: at most three, as JSON only, whereas ntfy has
// another form too.
func ntfyActions(header string) (actions []ntfyAction, err error) {
	if header == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(header), &actions); err != nil {
		return nil, err
	}
	if len(actions) > 3 {
		return nil, errors.New("only 3 actions allowed")
	}
	for _, a := range actions {
		switch {
		case !slices.Contains([]string{"view", "http", "broadcast"}, a.Action):
			return nil, fmt.Errorf("action '%s' unknown", a.Action)
		case a.Label == "":
			return nil, errors.New("parameter 'label' is required")
		case a.URL == "" && a.Action != "broadcast":
			return nil, fmt.Errorf("parameter 'url' is required for action '%s'", a.Action)
		}
	}
	return actions, nil
}

// ntfyMessage is a response of ntfy, with its fields in ntfy's order.
type ntfyMessage struct {
	ID         string       `json:"id"`
	SequenceID string       `json:"sequence_id"`
	Time       int64        `json:"time"`
	Expires    int64        `json:"expires"`
	Event      string       `json:"event"`
	Topic      string       `json:"topic"`
	Title      string       `json:"title,omitempty"`
	Message    string       `json:"message"`
	Priority   int          `json:"priority,omitempty"`
	Tags       []string     `json:"tags,omitempty"`
	Click      string       `json:"click,omitempty"`
	Actions    []ntfyAction `json:"actions,omitempty"`
}

type ntfyAction struct {
	Action string `json:"action"`
	Label  string `json:"label"`
	URL    string `json:"url,omitempty"`
}

// ntfyPriority parses a priority; 0 is the default.
func ntfyPriority(word string) (priority int, known bool) {
	names := [...]string{"", "min", "low", "default", "high", "max"}
	if i := slices.Index(names[:], word); i >= 0 {
		return i, true
	}
	n, err := strconv.Atoi(word)
	return n, err == nil && n >= 1 && n <= 5
}

// ntfyError returns an error, whose code begins with the HTTP status.
func ntfyError(code int, text string) response {
	return jsonResponse(code/100, struct {
		Code int    `json:"code"`
		HTTP int    `json:"http"`
		Text string `json:"error"`
		Link string `json:"link"`
	}{code, code / 100, text, "https://ntfy.sh/docs/publish/"})
}
