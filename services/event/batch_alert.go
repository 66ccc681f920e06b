package event

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/kit/texttemplate"
)

// maxBatchMessage is the maximum length of the message of one event in a batch, in characters. It
// bounds the memory of a batch.
const maxBatchMessage = 2000

// alertOfBatch returns the alert of a batch: with the title and the link of its last event, and
// the severity of the highest rank, of equal ones the last. If its template fails, the alert has
// a list of the messages, and the error says why: no event is lost by that.
func alertOfBatch(common PlannedAlert, items []BatchItem) (PlannedAlert, error) {
	last := items[len(items)-1]
	a := common
	a.Batch, a.Title, a.Link, a.Severity = nil, last.Title, last.Link, last.Severity
	messages := make([]any, len(items))
	for i, item := range items {
		messages[i] = item.Message
		if job.RankOf(item.Severity) < job.RankOf(a.Severity) {
			a.Severity = item.Severity
		}
	}
	text, err := executeBatch(common.Batch, messages)
	if err != nil || text == "" {
		text = listOf(items)
	}
	a.Message = text
	return a, err
}

// executeBatch returns the result of the template of a batch; "" without one.
func executeBatch(spec *BatchSpec, messages []any) (string, error) {
	if spec == nil || spec.Message == "" {
		return "", nil
	}
	template, err := texttemplate.Parse(spec.Message)
	if err != nil {
		return "", err
	}
	text, err := template.Execute(map[string]any{"count": len(messages), "messages": messages})
	if err != nil {
		return "", err
	}
	return fitMessage(text, maxMessage)
}

// listOf returns a list of messages with their number; a single one alone. Those beyond the limit
// of a message are counted only.
func listOf(items []BatchItem) string {
	if len(items) == 1 {
		return items[0].Message
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d events:", len(items))
	const rest = "\n… and %d more"
	length := b.Len() // in characters: the head is ASCII
	for i, item := range items {
		line := "\n- " + strings.ReplaceAll(item.Message, "\n", "\n  ")
		length += utf8.RuneCountInString(line)
		if length > maxMessage-len(rest)-10 {
			fmt.Fprintf(&b, rest, len(items)-i)
			break
		}
		b.WriteString(line)
	}
	return b.String()
}
