package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"google.golang.org/genproto/googleapis/api/httpbody"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1"
)

// maxEventFile is the maximum size of a file of events or rules, in bytes.
const maxEventFile = 16 << 20

// eventPublish is the command bongsu event publish.
type eventPublish struct {
	client
	Type    string `arg:"" optional:"" help:"What happened, as words with dots, such as order.created."`
	Source  string `placeholder:"SOURCE" help:"The system in which it happened, such as shop/orders."`
	ID      string `name:"id" placeholder:"ID" help:"The id, unique within the source: an event with both is stored once."`
	Subject string `placeholder:"SUBJECT" help:"What it happened to, such as the id of an order. Events of one subject are handled in order."`
	EvtData string `name:"event-data" placeholder:"JSON" help:"The data; - reads standard input."`
	File    string `placeholder:"PATH" help:"A file with an event, or several as {\"events\": […]}, in place of the other settings; - reads standard input."`
}

// Help returns the long help.
func (eventPublish) Help() string {
	return `Returns when the events are on disk. Numbers of the data stay as they are written.

Examples:

	bongsu event publish order.created --source=shop --id=41 --subject=order-41 --event-data='{"order": 41, "buyer": "kim"}'
	bongsu event publish --file=events.json`
}

// Run executes bongsu event publish.
func (c eventPublish) Run(ctx context.Context, con *console) error {
	res := &eventv1.PublishResponse{}
	if c.File != "" {
		if c.Type != "" || c.Source != "" || c.ID != "" || c.Subject != "" || c.EvtData != "" {
			return usagef("give --file, or a type and its settings, not both")
		}
		body, err := readEventFile(con, c.File)
		if err != nil {
			return err
		}
		all, err := c.events().PublishBody(ctx, &eventv1.PublishBodyRequest{Body: &httpbody.HttpBody{ContentType: "application/json", Data: body}})
		if err != nil {
			return err
		}
		res.Results = all.GetResults()
	} else {
		if c.Type == "" || c.Source == "" || c.ID == "" {
			return usagef("give a type, --source and --id, or --file")
		}
		data, err := c.data(con)
		if err != nil {
			return err
		}
		event := &eventv1.Event{Id: c.ID, Source: c.Source, Type: c.Type, Subject: c.Subject, Data: data}
		if res, err = c.events().Publish(ctx, &eventv1.PublishRequest{Events: []*eventv1.Event{event}}); err != nil {
			return err
		}
	}
	refused := 0
	for _, r := range res.GetResults() {
		if r.GetOutcome() == eventv1.PublishOutcome_PUBLISH_OUTCOME_REFUSED {
			refused++
		}
	}
	err := con.show(c.JSON, res, func(p *page) {
		for _, r := range res.GetResults() {
			line := "event " + r.GetId() + ": " + strings.ToLower(strings.TrimPrefix(r.GetOutcome().String(), "PUBLISH_OUTCOME_"))
			for _, part := range []string{r.GetField(), r.GetMessage()} {
				if part != "" {
					line += ": " + part
				}
			}
			p.say("%s", line)
		}
	})
	if err == nil && refused > 0 {
		err = fmt.Errorf("%d of %d events were refused", refused, len(res.GetResults()))
	}
	return err
}

// data returns the data of the event.
func (c eventPublish) data(con *console) (string, error) {
	data := c.EvtData
	if data == "-" {
		text, err := readEventFile(con, "-")
		if err != nil {
			return "", err
		}
		data = strings.TrimSpace(string(text))
	}
	if data != "" && !json.Valid([]byte(data)) {
		return "", usagef("--event-data must be JSON")
	}
	return data, nil
}

// readEventFile returns the content of a file; that of - is standard input.
func readEventFile(con *console, path string) ([]byte, error) {
	in := con.In
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, maxEventFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if len(text) > maxEventFile {
		return nil, fmt.Errorf("%s has more than %d bytes", path, maxEventFile)
	}
	return text, nil
}
