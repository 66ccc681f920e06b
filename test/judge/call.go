package judge

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"mime/quotedprintable"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
)

// A CallKey identifies a delivery in the calls to the fakes: every text is sent once, and
// every user has a destination of their own.
type CallKey struct{ Destination, Text string }

// KeyOf returns the key of a delivery of an alert.
func KeyOf(a *alertv1.Alert, d *alertv1.Delivery) CallKey {
	status := ""
	switch a.GetStatus() {
	case alertv1.AlertStatus_ALERT_STATUS_RESOLVED:
		status = "resolved: "
	case alertv1.AlertStatus_ALERT_STATUS_ACKNOWLEDGED:
		status = "acknowledged: "
	}
	return CallKey{d.GetDestination(), "[" + a.GetSeverity() + "] " + status + a.GetMessage()}
}

// A callParser parses the text and the destination in the body of a call. The destination
// is empty if the path names the user.
type callParser func(body string) (CallKey, error)

// ByDelivery returns the calls to the fakes by delivery, in the order of time. A call that no
// messenger makes is an error.
func ByDelivery(all []*mockupv1.Call) (map[CallKey][]*mockupv1.Call, error) {
	seen := map[CallKey][]*mockupv1.Call{}
	for _, call := range all {
		key, err := see(call)
		if err != nil {
			return nil, fmt.Errorf("the fake of %s received %q: %w", call.GetPath(), call.GetBody(), err)
		}
		seen[key] = append(seen[key], call)
	}
	for _, calls := range seen {
		slices.SortFunc(calls, func(a, b *mockupv1.Call) int {
			return cmp.Compare(a.GetTime().AsTime().UnixNano(), b.GetTime().AsTime().UnixNano())
		})
	}
	return seen, nil
}

// see parses a call.
func see(call *mockupv1.Call) (CallKey, error) {
	for _, r := range routes {
		found := r.path.FindStringSubmatch(call.GetPath())
		if found == nil {
			continue
		}
		key, err := r.text(call.GetBody())
		if err != nil || len(found) == 1 {
			return key, err
		}
		user, err := strconv.Atoi(found[1])
		key.Destination = r.Destination(user)
		return key, err
	}
	return CallKey{}, fmt.Errorf("no messenger uses it")
}

// inJSON parses JSON. destination names the field of the destination, or is empty; text
// is the path of the text from the outermost field.
func inJSON(destination string, text ...string) callParser {
	return func(body string) (key CallKey, err error) {
		decoder := json.NewDecoder(strings.NewReader(body))
		decoder.UseNumber() // some numbers have more digits than a float64
		var whole map[string]any
		if err := decoder.Decode(&whole); err != nil {
			return key, err
		}
		if destination != "" {
			key.Destination = fmt.Sprint(whole[destination])
		}
		for _, name := range text[:len(text)-1] {
			whole, _ = whole[name].(map[string]any)
		}
		key.Text, _ = whole[text[len(text)-1]].(string)
		return key, nil
	}
}

// inMarkdown parses JSON whose text has a backslash before literal characters.
func inMarkdown(body string) (CallKey, error) {
	key, err := inJSON("", "text")(body)
	key.Text = strings.ReplaceAll(key.Text, `\`, "")
	return key, err
}

// inAlimTalk parses a request of NCP SENS.
func inAlimTalk(body string) (key CallKey, err error) {
	var message struct {
		Messages [1]struct{ Content string }
	}
	err = json.Unmarshal([]byte(body), &message)
	return CallKey{Text: message.Messages[0].Content}, err
}

// inCard parses an Adaptive Card.
func inCard(body string) (key CallKey, err error) {
	var message struct {
		Attachments [1]struct {
			Content struct {
				Body [1]struct{ Inlines [1]struct{ Text string } }
			}
		}
	}
	err = json.Unmarshal([]byte(body), &message)
	return CallKey{Text: message.Attachments[0].Content.Body[0].Inlines[0].Text}, err
}

// inEvent parses an event of PagerDuty.
func inEvent(body string) (key CallKey, err error) {
	var event struct {
		Payload struct{ Source, Summary string }
	}
	err = json.Unmarshal([]byte(body), &event)
	return CallKey{event.Payload.Source, event.Payload.Summary}, err
}

// inForm parses a form.
func inForm(destination, text string) callParser {
	return func(body string) (CallKey, error) {
		form, err := url.ParseQuery(body)
		return CallKey{form.Get(destination), form.Get(text)}, err
	}
}

// inBody returns the body as the text.
func inBody(body string) (CallKey, error) { return CallKey{Text: body}, nil }

// inMail parses a single-part mail.
func inMail(body string) (CallKey, error) {
	m, err := mail.ReadMessage(strings.NewReader(body))
	if err != nil {
		return CallKey{}, err
	}
	text, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	return CallKey{Text: strings.TrimSpace(string(text))}, err
}
