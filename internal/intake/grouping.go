package intake

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/wiretext"
)

// maxGroupLines is the maximum number of alerts whose messages the message of a group has.
const maxGroupLines = 10

// A labeledItem is an item of a request with the labels of its alert.
type labeledItem struct {
	Item
	labels map[string]any
}

// group returns the items with one alert in place of those that have the same values for the
// labels of GroupBy, in the order of the first alert of each group. Refused items and alerts
// without any of the labels stay as they are. Without GroupBy no item is grouped.
//
// A request has all alerts of its group, firing and resolved, in the webhooks of Alertmanager and
// Grafana: so the alert of a group is resolved when all of its alerts in the request are.
func (r reader) group(items []labeledItem) []Item {
	grouped := make([]Item, 0, len(items))
	members := map[string][]Alert{}
	places := map[string]int{}
	for _, item := range items {
		labels, ok := r.groupLabels(item)
		if !ok {
			grouped = append(grouped, item.Item)
			continue
		}
		name := digest(labelPairs(labels))
		members[name] = append(members[name], item.Alert)
		if _, ok := places[name]; !ok {
			places[name] = len(grouped)
			grouped = append(grouped, Item{Alert: Alert{Details: labels}})
		}
	}
	for name, place := range places {
		grouped[place].Alert = r.groupedAlert(grouped[place].Alert.Details, members[name])
	}
	return grouped
}

// groupLabels returns the labels of GroupBy with the values of an alert, and whether the alert is
// grouped.
func (r reader) groupLabels(item labeledItem) (labels []Detail, ok bool) {
	if item.Problem != nil {
		return nil, false
	}
	for _, name := range r.GroupBy {
		value := wiretext.TextOf(item.labels[name])
		labels, ok = append(labels, Detail{name, value}), ok || value != ""
	}
	return labels, ok
}

// labelPairs returns labels as name=value.
func labelPairs(labels []Detail) []string {
	pairs := make([]string, len(labels))
	for i, l := range labels {
		pairs[i] = l.Name + "=" + l.Value
	}
	return pairs
}

// groupedAlert returns the alert of a group. Its severity is the most urgent one of its firing
// alerts or, without these, of all.
func (r reader) groupedAlert(labels []Detail, members []Alert) Alert {
	pairs := labelPairs(labels)
	firing, resolved := splitByStatus(members)
	a := Alert{Field: members[0].Field, Status: Resolved, Details: fitDetails(labels), Title: members[0].Title, Key: alertKeyOf(r.source, append([]string{"group"}, pairs...))}
	rated := members
	if len(firing) > 0 {
		a.Status, rated = Firing, firing
	}
	a.Severity = slices.MinFunc(rated, func(a, b Alert) int { return int(job.RankOf(a.Severity)) - int(job.RankOf(b.Severity)) }).Severity
	handles := append([]string{"group"}, pairs...)
	for _, m := range members {
		if m.Title != a.Title {
			a.Title = truncate(singleLine(strings.Join(pairs, ", ")), maxTitle)
		}
		if a.Link == "" {
			a.Link = m.Link
		}
		a.Problems = append(a.Problems, m.Problems...)
		a.Malformed = union(a.Malformed, m.Malformed)
		a.Targets = union(a.Targets, m.Targets)
		if len(m.Targets) == 0 {
			a.Targets = union(a.Targets, r.Target)
		}
		handles = append(handles, m.IdempotencyKey)
	}
	a.Targets = a.Targets[:min(len(a.Targets), maxTargets)]
	a.Message = truncate(groupMessage(firing, resolved), maxMessage)
	a.IdempotencyKey = idempotencyKeyOf(r.source, handles)
	return a
}

// splitByStatus splits alerts into the firing and the resolved ones.
func splitByStatus(all []Alert) (firing, resolved []Alert) {
	for _, a := range all {
		if a.Status == Resolved {
			resolved = append(resolved, a)
		} else {
			firing = append(firing, a)
		}
	}
	return firing, resolved
}

// groupMessage returns the message of a group: the counts, and the first line of each of the
// first alerts, the firing ones first. A single alert keeps its message.
func groupMessage(firing, resolved []Alert) string {
	members := slices.Concat(firing, resolved)
	if len(members) == 1 {
		return members[0].Message
	}
	lines := []string{fmt.Sprintf("%d firing, %d resolved", len(firing), len(resolved))}
	if len(firing) == 0 {
		lines[0] = "resolved: " + lines[0]
	}
	for i, m := range members {
		if i == maxGroupLines {
			lines = append(lines, fmt.Sprintf("… and %d more", len(members)-i))
			break
		}
		first, _, _ := strings.Cut(m.Message, "\n")
		lines = append(lines, "- "+first)
	}
	return strings.Join(lines, "\n")
}

// union returns a with the elements of b that it lacks.
func union(a, b []string) []string {
	for _, s := range b {
		if !slices.Contains(a, s) {
			a = append(a, s)
		}
	}
	return a
}
