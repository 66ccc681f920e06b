package event

import (
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
)

// incidentRule is a rule whose alerts have a key.
func incidentRule() Rule {
	return Rule{
		Name: "disk", Type: "disk.*", Message: "disk of {{.data.host}}", Key: "disk of {{.data.host}}", Status: "{{default \"\" .data.status}}",
		Escalation: "night", RepeatFields: []string{"message"}, Notify: []Notify{{Targets: []string{"@kim"}}, {Targets: []string{"@lee"}, Message: "m"}},
	}
}

// incidentPlan returns the alerts of a rule for an event with data.
func incidentPlan(t *testing.T, r Rule, data string) ([]PlannedAlert, error) {
	t.Helper()
	c, err := CompileRule(r)
	kittest.NoError(t, err)
	fields, err := fieldsOf(Event{ID: "1", Source: "/s", Type: "disk.full", Data: []byte(data)})
	kittest.NoError(t, err)
	return c.plan(fields)
}

func TestRuleIncident(t *testing.T) {
	for data, want := range map[string]AlertStatus{
		`{"host":"db1"}`:                         StatusFiring,
		`{"host":"db1","status":"Resolved"}`:     StatusResolved,
		`{"host":"db1","status":"acknowledged"}`: StatusAcknowledged,
	} {
		alerts, err := incidentPlan(t, incidentRule(), data)
		kittest.NoError(t, err)
		kittest.Equal(t, []any{alerts[0].Key, alerts[0].Status, alerts[0].Escalation, alerts[0].RepeatFields[0]}, []any{"event:disk of db1", want, "night", "message"})
		kittest.Equal(t, alerts[1].Key, "event:disk of db1 #2")
		req := alertToWire(KeyedAlert{Alert: alerts[0], Key: "k"})
		kittest.Equal(t, []any{req.GetKey(), int(req.GetStatus()), req.GetEscalation(), req.GetRepeatFields()}, []any{"event:disk of db1", int(want), "night", []string{"message"}})
	}
	for data, want := range map[string]string{
		`{"host":"db1","status":"over"}`:                 "status: must be firing",
		`{"host":" "}`:                                   "key: ",
		`{"host":"` + strings.Repeat("x", maxKey) + `"}`: "key: has 188 characters",
		`{}`: "key: ",
	} {
		r := incidentRule()
		r.Message = "m"
		_, err := incidentPlan(t, r, data)
		if strings.HasPrefix(want, "key: ") && data == `{"host":" "}` {
			r.Key = "{{.data.host}}"
			_, err = incidentPlan(t, r, data)
		}
		kittest.Error(t, err, fault.ErrInvalid, want)
	}
}

// TestRuleWithoutKey checks that an alert without a key says nothing of an incident, and that the
// fields that need one are refused.
func TestRuleWithoutKey(t *testing.T) {
	plain := incidentRule()
	plain.Key, plain.Status, plain.Escalation, plain.RepeatFields = "", "", "", nil
	alerts, err := incidentPlan(t, plain, `{"host":"db1"}`)
	kittest.NoError(t, err)
	kittest.Equal(t, []any{alerts[0].Key, alerts[0].Status.String(), alerts[1].Key}, []any{"", "", ""})
	for field, change := range map[string]func(*Rule){
		"status":        func(r *Rule) { r.Status = "resolved" },
		"escalation":    func(r *Rule) { r.Escalation = "night" },
		"repeat_fields": func(r *Rule) { r.RepeatFields = []string{"title"} },
	} {
		r := plain
		change(&r)
		_, err := CompileRule(r)
		kittest.Error(t, err, fault.ErrInvalid, field+": needs a key")
	}
	batch := incidentRule()
	batch.Batch = &BatchSpec{Count: 2}
	_, err = CompileRule(batch)
	kittest.Error(t, err, fault.ErrInvalid, "key: must be empty with a batch")
}
