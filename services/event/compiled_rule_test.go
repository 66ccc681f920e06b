package event

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"buf.build/go/protovalidate"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/protojson"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
)

// orderRule is the rule for orders in the tests.
func orderRule() Rule {
	return Rule{
		Name: "order-created", Type: "order.created", Message: "order {{.data.order}} of {{.data.total}}",
		Notify: []Notify{{Targets: []string{"@{{.data.buyer}}"}}},
	}
}

const orderData = `{"order": 1234567890123456789, "total": 10.50, "buyer": "kim", "items": [{"name": "tea"}, {"name": "cup"}], "note": "", "key-with-dash": "v"}`

// planOf returns the alerts of a rule for an event.
func planOf(t *testing.T, r Rule, data string) ([]PlannedAlert, error) {
	t.Helper()
	c, err := CompileRule(r)
	kittest.NoError(t, err)
	fields, err := fieldsOf(sample(data))
	kittest.NoError(t, err)
	return c.plan(fields)
}

func TestPlan(t *testing.T) {
	r := orderRule()
	r.Title, r.Link, r.Severity, r.TTL = "{{.type}}\n{{.subject}} ", " https://shop.example.com/orders/{{.data.order}}", `{{if gt .data.total 10.0}}high{{end}}`, time.Hour
	r.Notify = []Notify{
		{Targets: []string{"@{{.data.buyer}}", "@kim"}, By: []string{"inbox", "sns"}, Message: "yours: {{range .data.items}}{{.name}} {{end}}"},
		{Targets: []string{"@@owners", "@admin"}, By: []string{"inbox"}},
		{Targets: []string{"{{with .data.referrer}}@{{.}}{{end}}"}},
	}
	got, err := planOf(t, r, orderData)
	kittest.NoError(t, err)
	common := PlannedAlert{
		Rule: "order-created", Title: "order.created o1", Link: "https://shop.example.com/orders/1234567890123456789", Severity: "high", TTL: time.Hour,
	}
	buyer, owners, referrer := common, common, common
	buyer.Targets, buyer.By, buyer.Message = []string{"@kim"}, []string{"inbox", "sns"}, "yours: tea cup"
	owners.Index, owners.Targets, owners.By, owners.Message = 1, []string{"@@owners", "@admin"}, []string{"inbox"}, "order 1234567890123456789 of 10.50"
	referrer.Index, referrer.Message = 2, owners.Message
	kittest.Equal(t, got, []PlannedAlert{buyer, owners, referrer})
}

func TestTemplateValues(t *testing.T) {
	for message, want := range map[string]string{
		"{{.data.order}} {{.data.total}}":                      "1234567890123456789 10.50",
		`{{printf "%.1f" .data.total}}`:                        "10.5",
		`{{default "none" .data.note}}`:                        "none",
		`{{default "none" .data.missing}}`:                     "none",
		`{{.data.missing | default 7}}`:                        "7",
		`{{if .data.missing}}a{{else}}b{{end}}`:                "b",
		`{{index .data "key-with-dash"}}`:                      "v",
		`{{.id}} {{.source}} {{.type}} {{.subject}} {{.time}}`: "e1 shop order.created o1 2026-05-01T12:00:00Z",
		`{{len .data.items}} {{(index .data.items 1).name}}`:   "2 cup",
		" a\r\nb ":         "a\r\nb",
		"{{.data.buyer}}님": "kim님",
	} {
		r := orderRule()
		r.Message = message
		got, err := planOf(t, r, orderData)
		if err != nil || got[0].Message != want {
			t.Errorf("%s: %v, %v, want %q", message, got, err, want)
		}
	}
}

func TestFailingPlans(t *testing.T) {
	for name, row := range map[string]struct {
		change func(*Rule)
		words  []string
	}{
		"missing field":   {func(r *Rule) { r.Message = "{{.data.missing}}" }, []string{"message", ".data.missing is missing"}},
		"missing parent":  {func(r *Rule) { r.Message = "{{.data.a.b}}" }, []string{"message", ".data.a is missing"}},
		"missing key":     {func(r *Rule) { r.Message = `{{index .data "none"}}` }, []string{"message", "is missing"}},
		"empty field":     {func(r *Rule) { r.Message = "{{.data.note}}" }, []string{".data.note is missing or empty"}},
		"empty message":   {func(r *Rule) { r.Message = `{{if .data.missing}}x{{end}}` }, []string{"message is empty"}},
		"notify message":  {func(r *Rule) { r.Notify[0].Message = "{{.data.missing}}" }, []string{"notify[0].message", ".data.missing"}},
		"target":          {func(r *Rule) { r.Notify[0].Targets = []string{"@kim", "@{{.data.missing}}"} }, []string{"notify[0].targets[1]", ".data.missing"}},
		"malformed":       {func(r *Rule) { r.Notify[0].Targets = []string{"{{.data.buyer}}"} }, []string{"notify[0].targets[0]", `"kim"`}},
		"many targets":    {func(r *Rule) { r.Notify[0].Targets = []string{"{{range $i, $x := .data.many}}@u{{$i}} {{end}}"} }, []string{"notify[0].targets", "1000"}},
		"link":            {func(r *Rule) { r.Link = "javascript:{{.data.order}}" }, []string{"link", "https://"}},
		"link with space": {func(r *Rule) { r.Link = "https://{{.data.spaces}}" }, []string{"link", "white space"}},
		"long link":       {func(r *Rule) { r.Link = "https://{{.data.long}}" }, []string{"link", "2000"}},
		"severity":        {func(r *Rule) { r.Severity = "{{.data.long}}" }, []string{"severity", "30"}},
		"title":           {func(r *Rule) { r.Title = "{{.data.missing}}" }, []string{"title", ".data.missing"}},
		"endless":         {func(r *Rule) { r.Message = "{{range 30000}}x{{end}}" }, []string{"message", "steps"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := orderRule()
			row.change(&r)
			data := strings.TrimSuffix(orderData, "}") + `, "many": [0` + strings.Repeat(",0", 1000) + `], "spaces": "a b", "long": "` + strings.Repeat("x", 3000) + `"}`
			_, err := planOf(t, r, data)
			kittest.Error(t, err, fault.ErrInvalid, row.words...)
			if text := reasonOf(err.Error()); len(text) > maxReason || strings.Contains(text, "\n") || !utf8.ValidString(text) {
				t.Errorf("%q", text)
			}
		})
	}
}

// TestLongTexts proves that long titles and messages are cut, and marked as cut.
func TestLongTexts(t *testing.T) {
	r := orderRule()
	r.Title, r.Message = "{{.data.long}}", "{{.data.long}}"
	got, err := planOf(t, r, `{"buyer": "kim", "long": "`+strings.Repeat("주", 21_000)+`"}`)
	kittest.NoError(t, err)
	for text, most := range map[string]int{got[0].Title: maxTitle, got[0].Message: maxMessage} {
		if n := utf8.RuneCountInString(text); n != most || !strings.HasSuffix(text, "주…") {
			t.Errorf("%d characters, want %d", n, most)
		}
	}
	for n, want := range map[int]string{199: "", 200: "", 201: "…"} {
		if got := fitTitle(strings.Repeat("주", n)); !strings.HasSuffix(got, want) || strings.HasSuffix(got, "…") != (want != "") {
			t.Errorf("%d characters: %q", n, got)
		}
	}
}

func TestInvalidRules(t *testing.T) {
	for field, change := range map[string]func(*Rule){
		"type":                 func(r *Rule) { r.Type = "order.>.x" },
		"condition":            func(r *Rule) { r.Condition = "data.total >" },
		"title":                func(r *Rule) { r.Title = "{{.a" },
		"message":              func(r *Rule) { r.Message = "{{nothing}}" },
		"link":                 func(r *Rule) { r.Link = "{{end}}" },
		"severity":             func(r *Rule) { r.Severity = "{{if}}" },
		"notify":               func(r *Rule) { r.Notify = nil },
		"notify[0].message":    func(r *Rule) { r.Notify[0].Message = "{{" },
		"notify[0].targets[0]": func(r *Rule) { r.Notify[0].Targets[0] = "kim" },
		"batch.message":        func(r *Rule) { r.Batch = &BatchSpec{Count: 2, Within: time.Second, Message: "{{"} },
	} {
		r := orderRule()
		change(&r)
		_, err := CompileRule(r)
		kittest.Error(t, err, fault.ErrInvalid, field+": ")
		fields := fault.Fields(err)
		if len(fields) != 1 || fields[0].Path != field {
			t.Errorf("%s: fields %v", field, fields)
		}
	}
	_, err := CompileRule(orderRule())
	kittest.NoError(t, err)
}

// documentedRules returns the rules of docs/event-rules.md.
func documentedRules(t *testing.T) (rules []Rule) {
	t.Helper()
	text, err := os.ReadFile("../../docs/event-rules.md")
	kittest.NoError(t, err)
	_, block, _ := strings.Cut(string(text), "```yaml\n")
	block, _, _ = strings.Cut(block, "```")
	var file struct {
		Rules []any `yaml:"rules"`
	}
	kittest.NoError(t, yaml.Unmarshal([]byte(block), &file))
	for _, value := range file.Rules {
		data, err := json.Marshal(value)
		kittest.NoError(t, err)
		wire := &eventv1.EventRule{}
		kittest.NoError(t, protojson.Unmarshal(data, wire))
		kittest.NoError(t, protovalidate.Validate(wire))
		rules = append(rules, ruleFromWire(wire))
	}
	return rules
}

// TestScene checks the rules of docs/event-rules.md: an order is created, its delivery starts, and
// a question is answered.
func TestScene(t *testing.T) {
	rules := map[string]Rule{}
	for _, r := range documentedRules(t) {
		rules[r.Name] = r
	}
	for _, row := range []struct {
		rule, eventType, data string
		want                  map[string]string // by targets and messengers
		link                  string
	}{
		{
			"order-created", "order.created", `{"order": 41, "buyer": "kim", "shop": "tea house", "total": 12.50}`,
			map[string]string{"@kim inbox sns": "Your order 41 is confirmed: 12.50 euros.", "@@owners-tea house @@admins inbox": "Order 41 of kim: 12.50 euros."},
			"https://shop.example.com/orders/41",
		},
		{
			"delivery-started", "delivery.started", `{"order": 41, "buyer": "kim", "shop": "tea house", "arrival": "2026-05-02"}`,
			map[string]string{
				"@kim inbox sns": "Order 41 is on its way, arrival 2026-05-02.", "@@owners-tea house @@admins inbox": "Delivery of order 41 has started.",
			},
			"https://shop.example.com/orders/41",
		},
		{
			"answer-posted", "answer.posted", `{"question": 7, "asker": "lee", "followers": ["kim", "park"], "by": "choi", "title": "Which tea?"}`,
			map[string]string{"@lee @kim @park inbox": "choi answered: Which tea?"},
			"https://shop.example.com/questions/7",
		},
	} {
		r, ok := rules[row.rule]
		if !ok {
			t.Errorf("no rule %s", row.rule)
			continue
		}
		c, err := CompileRule(r)
		kittest.NoError(t, err)
		e := sample(row.data)
		e.Type = row.eventType
		fields, err := fieldsOf(e)
		kittest.NoError(t, err)
		is, err := c.matches(fields)
		kittest.NoError(t, err)
		kittest.Equal(t, is, true)
		alerts, err := c.plan(fields)
		kittest.NoError(t, err)
		got := map[string]string{}
		for _, a := range alerts {
			got[strings.Join(append(a.Targets, a.By...), " ")] = a.Message
			kittest.Equal(t, a.Link, row.link)
		}
		kittest.Equal(t, got, row.want)
	}
}

func TestBatchAlert(t *testing.T) {
	items := []BatchItem{
		{Severity: "low", Title: "one", Message: "a\nb", Link: "https://x/1"},
		{Severity: "high", Title: "two", Message: "c", Link: "https://x/2"},
		{Severity: "", Title: "three", Message: "d"},
	}
	common := PlannedAlert{Rule: "r", Index: 1, Targets: []string{"@kim"}, By: []string{"inbox"}, TTL: time.Hour, Batch: &BatchSpec{Count: 3, Within: time.Second}}
	want := common
	want.Batch, want.Title, want.Severity, want.Message = nil, "three", "high", "3 events:\n- a\n  b\n- c\n- d"
	got, err := alertOfBatch(common, items)
	kittest.NoError(t, err)
	kittest.Equal(t, got, want)

	got, err = alertOfBatch(common, items[:1])
	kittest.NoError(t, err)
	kittest.Equal(t, got.Message, "a\nb")
	kittest.Equal(t, got.Severity, "low")

	common.Batch.Message = `{{.count}} answers: {{join ", " .messages}}`
	got, err = alertOfBatch(common, items)
	kittest.NoError(t, err)
	kittest.Equal(t, got.Message, "3 answers: a\nb, c, d")

	for _, message := range []string{"{{", "{{if false}}x{{end}}", `{{range 30000}}x{{end}}`} {
		common.Batch.Message = message
		got, err = alertOfBatch(common, items)
		if err == nil {
			t.Errorf("%s does not fail", message)
		}
		kittest.Equal(t, got.Message, want.Message)
	}

	long := make([]BatchItem, 1000)
	for i := range long {
		long[i].Message = strings.Repeat("주", 100)
	}
	common.Batch.Message = ""
	got, err = alertOfBatch(common, long)
	kittest.NoError(t, err)
	if n := utf8.RuneCountInString(got.Message); n > maxMessage || n < maxMessage-200 || !strings.HasSuffix(got.Message, "\n… and 807 more") {
		t.Errorf("%d characters, ends with %q", n, got.Message[len(got.Message)-30:])
	}
}
