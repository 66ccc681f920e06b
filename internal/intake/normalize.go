package intake

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/bongsu-project/bongsu/internal/target"
	"github.com/bongsu-project/bongsu/internal/wiretext"
	"github.com/bongsu-project/bongsu/kit/texttemplate"
)

// A draft is an alert before the templates of its source and the limits of
// SendAlertRequest are applied.
type draft struct {
	field            string // its path in the request, such as alerts[1]
	targets          []string
	severity         string
	title            string
	messages         []string // candidates for the message, the best first
	links            []string // candidates for the link, the best first
	details          []Detail
	keyParts         []string // parts of the alert key; empty for none
	idempotencyParts []string // parts of the idempotency key: the same for each repetition
	status           Status
	resolved         string // prefix of the message of a resolved alert
}

// normalize executes the templates of the source on data, and fits the result into the limits
// of SendAlertRequest. It never fails: an unusable part becomes a problem of the alert, and
// the next candidate is used.
func (r reader) normalize(d draft, data any) Alert {
	a := Alert{Field: d.field}
	made := r.runTemplates(&a, d.field, data)
	pick := func(field string, otherwise ...string) string {
		if text := made[field]; strings.TrimSpace(text) != "" {
			return text
		}
		return firstNonBlank(otherwise...)
	}
	if word, ok := made["status"]; ok {
		d.status, _ = statusOf(word)
	}
	if word, ok := made["target"]; ok && strings.TrimSpace(word) != "" {
		d.targets = splitTargets(word)
	}
	r.setTargets(&a, d)
	a.Severity = truncate(singleLine(pick("severity", d.severity, r.Severity)), maxSeverity)
	a.Title = truncate(singleLine(pick("title", d.title)), maxTitle)
	message := firstMessage(append(d.messages, a.Title, "an alert without a text, from "+r.source)...)
	if d.status == Resolved {
		message = d.resolved + message
	}
	a.Message = truncate(firstMessage(made["message"], message), maxMessage)
	a.Link = firstLink(append([]string{made["link"]}, d.links...)...)
	a.Details = fitDetails(d.details)
	if key := strings.TrimSpace(made["key"]); key != "" {
		d.keyParts, d.idempotencyParts = []string{key}, append(d.idempotencyParts, key)
		if r.keyIdentifiesAlert() {
			d.idempotencyParts = []string{key}
		}
	}
	a.Key, a.IdempotencyKey = alertKeyOf(r.source, d.keyParts), idempotencyKeyOf(r.source, d.idempotencyParts)
	if a.Status = d.status; a.Key == "" {
		a.Status = Unknown // only an alert with a key can be resolved
	}
	return a
}

// keyIdentifiesAlert reports whether a key of a template alone identifies an alert of the source.
// An alert of Alertmanager or Grafana also has begin and end, and one of CloudEvents an id.
func (r reader) keyIdentifiesAlert() bool {
	return r.source != "alertmanager" && r.source != "grafana" && r.source != "cloudevents"
}

// runTemplates returns the results of the templates on data. A template that fails is a problem,
// and its field keeps the source's value.
func (r reader) runTemplates(a *Alert, field string, data any) map[string]string {
	made := map[string]string{}
	for _, name := range templateFields {
		p, ok := r.script[name]
		if !ok {
			continue
		}
		text, err := p.Execute(data)
		if err != nil {
			reason := TemplateFailed
			if name == "key" && errors.Is(err, texttemplate.ErrMissing) {
				reason = MissingKeyField
			}
			a.problem(field, reason, "template %s failed: %s", name, err)
			continue
		}
		made[name] = text
	}
	return made
}

// setTargets sets the targets of the alert to its well-formed ones.
func (r reader) setTargets(a *Alert, d draft) {
	for _, text := range d.targets {
		text = singleLine(text)
		if _, err := target.Parse(text); err != nil {
			if len(a.Malformed) < maxDetails {
				a.Malformed = append(a.Malformed, truncate(text, maxName))
			}
			a.problem(d.field, MalformedTarget, "%s", err)
			continue
		}
		if !slices.Contains(a.Targets, text) {
			a.Targets = append(a.Targets, text)
		}
		if len(a.Targets) == maxTargets {
			a.problem(d.field, TooManyTargets, "more than %d targets: the rest are not notified", maxTargets)
			return
		}
	}
}

// problem adds a problem, up to maxDetails of them.
func (a *Alert) problem(field string, reason Reason, format string, args ...any) {
	if len(a.Problems) < maxDetails {
		a.Problems = append(a.Problems, Problem{Field: field, Reason: reason, Message: truncate(singleLine(fmt.Sprintf(format, args...)), maxValue)})
	}
}

// firstMessage returns the first of texts that is not empty after trim.
func firstMessage(texts ...string) string {
	for _, text := range texts {
		if text = trimMessage(text); text != "" {
			return text
		}
	}
	return ""
}

// firstLink returns the first of texts that is a valid link, after percent-encoding spaces,
// control characters and a stray %; "" if none is.
func firstLink(texts ...string) string {
	for _, text := range texts {
		if link := fitLink(text); link != "" {
			return link
		}
	}
	return ""
}

func fitLink(text string) string {
	text = strings.TrimSpace(strings.ToValidUTF8(text, ""))
	scheme, rest, ok := strings.Cut(text, "://")
	scheme = strings.ToLower(scheme)
	if !ok || scheme != "http" && scheme != "https" || rest == "" {
		return ""
	}
	var b strings.Builder
	for i, c := range rest {
		stray := c == '%' && (wiretext.HexAt(rest, i+1) < 0 || wiretext.HexAt(rest, i+2) < 0)
		if c <= ' ' || c == 0x7f || stray {
			fmt.Fprintf(&b, "%%%02X", c)
			continue
		}
		b.WriteRune(c)
	}
	link := scheme + "://" + b.String()
	if parsed, err := url.Parse(link); err != nil || parsed.Host == "" || truncate(link, maxLink) != link {
		return ""
	}
	return link
}

// fitDetails returns the details that have a name, cut to the limits. If there are too
// many, the last one lists the rest.
func fitDetails(details []Detail) []Detail {
	var fit []Detail
	for _, d := range details {
		if d = (Detail{truncate(singleLine(d.Name), maxName), truncate(singleLine(d.Value), maxValue)}); d.Name != "" {
			fit = append(fit, d)
		}
	}
	if len(fit) <= maxDetails {
		return fit
	}
	var rest []string
	for _, d := range fit[maxDetails-1:] {
		rest = append(rest, d.Name+"="+d.Value)
	}
	return append(fit[:maxDetails-1:maxDetails-1], Detail{"further", truncate(strings.Join(rest, ", "), maxValue)})
}
