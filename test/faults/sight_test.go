package faults

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
	"testing"

	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
)

// A sight is one delivery as the fakes see it: every message is sent once, and every
// user has a destination of their own.
type sight struct{ destination, text string }

// A reader finds the text of a message in the body of a call, and its destination,
// which is empty where the path names the user.
type reader func(body string) (sight, error)

// sights gives the calls that the fakes got, by delivery, in the order of time.
func (s *system) sights(t testing.TB) map[sight][]*mockupv1.Call {
	t.Helper()
	res, err := s.fakes().ListCalls(t.Context(), &mockupv1.ListCallsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[sight][]*mockupv1.Call{}
	for _, call := range res.GetCalls() {
		key, err := see(call)
		if err != nil {
			t.Fatalf("the fake of %s got %q: %v", call.GetPath(), call.GetBody(), err)
		}
		seen[key] = append(seen[key], call)
	}
	for _, calls := range seen {
		slices.SortFunc(calls, func(a, b *mockupv1.Call) int {
			return cmp.Compare(a.GetTime().AsTime().UnixNano(), b.GetTime().AsTime().UnixNano())
		})
	}
	return seen
}

// see reads a call.
func see(call *mockupv1.Call) (sight, error) {
	for _, w := range ways {
		found := w.path.FindStringSubmatch(call.GetPath())
		if found == nil {
			continue
		}
		key, err := w.text(call.GetBody())
		if err != nil || len(found) == 1 {
			return key, err
		}
		user, err := strconv.Atoi(found[1])
		key.destination = w.destination(user)
		return key, err
	}
	return sight{}, fmt.Errorf("nobody is told by it")
}

// inJSON reads a destination, where its name is not empty, and a text, which is named
// from the outside in.
func inJSON(destination string, text ...string) reader {
	return func(body string) (key sight, err error) {
		decoder := json.NewDecoder(strings.NewReader(body))
		decoder.UseNumber() // of more digits than a float has
		var whole map[string]any
		if err := decoder.Decode(&whole); err != nil {
			return key, err
		}
		if destination != "" {
			key.destination = fmt.Sprint(whole[destination])
		}
		for _, name := range text[:len(text)-1] {
			whole, _ = whole[name].(map[string]any)
		}
		key.text, _ = whole[text[len(text)-1]].(string)
		return key, nil
	}
}

// inCard reads an Adaptive Card.
func inCard(body string) (key sight, err error) {
	var message struct {
		Attachments [1]struct {
			Content struct {
				Body [1]struct{ Inlines [1]struct{ Text string } }
			}
		}
	}
	err = json.Unmarshal([]byte(body), &message)
	return sight{text: message.Attachments[0].Content.Body[0].Inlines[0].Text}, err
}

// inEvent reads an event of PagerDuty.
func inEvent(body string) (key sight, err error) {
	var event struct {
		Payload struct{ Source, Summary string }
	}
	err = json.Unmarshal([]byte(body), &event)
	return sight{event.Payload.Source, event.Payload.Summary}, err
}

// inForm reads a form.
func inForm(destination, text string) reader {
	return func(body string) (sight, error) {
		form, err := url.ParseQuery(body)
		return sight{form.Get(destination), form.Get(text)}, err
	}
}

// inBody takes the body as it is.
func inBody(body string) (sight, error) { return sight{text: body}, nil }

// inMail reads a mail of one part.
func inMail(body string) (sight, error) {
	m, err := mail.ReadMessage(strings.NewReader(body))
	if err != nil {
		return sight{}, err
	}
	text, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	return sight{text: strings.TrimSpace(string(text))}, err
}
