package cli

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/structpb"

	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
)

// A monitorPlan is the changes of an import, in the order in which they are made.
type monitorPlan struct {
	set       []monitorChange
	deleted   []monitorChange
	unchanged int
}

// A monitorChange is a monitor to create, to change or to delete.
type monitorChange struct {
	settings *monitorv1.MonitorSettings
	line     int // in the file; 0 for one that is deleted
	created  bool
	fields   []string // that change
}

// newMonitorPlan returns the changes that make the stored monitors those of a file; with prune
// those that it does not hold are deleted, but built-in ones.
func newMonitorPlan(stored []*monitorv1.Monitor, file []monitorEntry, prune bool) *monitorPlan {
	plan, held := &monitorPlan{}, map[string]*monitorv1.MonitorSettings{}
	for _, m := range stored {
		held[m.GetSettings().GetName()] = m.GetSettings()
	}
	kept := map[string]bool{}
	for _, m := range file {
		kept[m.settings.GetName()] = true
		before := held[m.settings.GetName()]
		if before == nil {
			plan.set = append(plan.set, monitorChange{settings: m.settings, line: m.line, created: true})
			continue
		}
		if fields := changedSettings(before, m.settings); len(fields) > 0 {
			plan.set = append(plan.set, monitorChange{settings: m.settings, line: m.line, fields: fields})
			continue
		}
		plan.unchanged++
	}
	for _, m := range stored {
		if prune && !kept[m.GetSettings().GetName()] && !m.GetBuiltIn() {
			plan.deleted = append(plan.deleted, monitorChange{settings: m.GetSettings()})
		}
	}
	plan.set, plan.deleted = inOrder(plan.set), inOrder(plan.deleted)
	slices.Reverse(plan.deleted)
	return plan
}

// inOrder returns changes so that a monitor comes after those that it depends on.
func inOrder(changes []monitorChange) []monitorChange {
	byName := map[string]monitorChange{}
	for _, c := range changes {
		byName[c.settings.GetName()] = c
	}
	ordered, visited := make([]monitorChange, 0, len(changes)), map[string]bool{}
	var visit func(monitorChange)
	visit = func(c monitorChange) {
		if visited[c.settings.GetName()] {
			return
		}
		visited[c.settings.GetName()] = true
		for _, name := range c.settings.GetDependsOn() {
			if below, ok := byName[name]; ok {
				visit(below)
			}
		}
		ordered = append(ordered, c)
	}
	for _, c := range changes {
		visit(c)
	}
	return ordered
}

// place returns where a change comes from.
func (c monitorChange) place() string {
	if c.line == 0 {
		return "monitor " + c.settings.GetName()
	}
	return fmt.Sprintf("line %d: monitor %s", c.line, c.settings.GetName())
}

// print prints the changes.
func (plan *monitorPlan) print(p *page, dryRun bool) {
	if len(plan.set)+len(plan.deleted) == 0 {
		p.say("%s up to date; nothing was changed", count(plan.unchanged, "monitor is", "monitors are"))
		return
	}
	for _, c := range plan.set {
		if c.created {
			p.say("create %s", c.settings.GetName())
			continue
		}
		p.say("change %s: %s", c.settings.GetName(), strings.Join(c.fields, ", "))
	}
	for _, c := range plan.deleted {
		p.say("delete %s", c.settings.GetName())
	}
	created := len(plan.names(true))
	p.say("monitors: %d created, %d changed, %d unchanged, %d deleted", created, len(plan.set)-created, plan.unchanged, len(plan.deleted))
	if dryRun {
		p.say("this was a dry run; nothing was changed")
	}
}

// names returns the names of the monitors that are created, or of those that are changed.
func (plan *monitorPlan) names(created bool) []any {
	names := []any{}
	for _, c := range plan.set {
		if c.created == created {
			names = append(names, c.settings.GetName())
		}
	}
	return names
}

// message returns the plan for output as JSON.
func (plan *monitorPlan) message() *structpb.Struct {
	deleted := []any{}
	for _, c := range plan.deleted {
		deleted = append(deleted, c.settings.GetName())
	}
	message, err := structpb.NewStruct(map[string]any{
		"created": plan.names(true), "changed": plan.names(false), "deleted": deleted, "unchangedCount": plan.unchanged,
	})
	if err != nil { // names are UTF-8
		return &structpb.Struct{}
	}
	return message
}
