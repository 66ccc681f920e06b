package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/examples/school/seoul"
)

// A Form is a form with the values that a person has sent, and what is wrong with them. Its fields have
// the names of those of the API.
type Form struct {
	values url.Values
	Errors map[string]string // by field
	Text   string            // of the whole form; empty for none
}

// errForm is the error of a request that is no form.
var errForm = connect.NewError(connect.CodeInvalidArgument, errors.New("not a form"))

// newForm returns a form with values.
func newForm(values ...string) *Form {
	f := &Form{values: url.Values{}, Errors: map[string]string{}}
	for pair := range slices.Chunk(values, 2) {
		f.values.Set(pair[0], pair[1])
	}
	return f
}

// form returns the form that a person has sent.
func (v *visit) form() (*Form, error) {
	if err := v.r.ParseForm(); err != nil {
		return nil, errForm
	}
	return &Form{values: v.r.PostForm, Errors: map[string]string{}}, nil
}

// Value returns the value of a field.
func (f *Form) Value(field string) string { return f.values.Get(field) }

// Has reports whether a field has a value, for check boxes.
func (f *Form) Has(field, value string) bool { return slices.Contains(f.values[field], value) }

// At returns one of the values of a field, "" for none.
func (f *Form) At(field string, index int) string {
	if index < len(f.values[field]) {
		return f.values[field][index]
	}
	return ""
}

// text returns the value of a field without spaces around it.
func (f *Form) text(field string) string { return strings.TrimSpace(f.values.Get(field)) }

// number returns the number of a field, 0 for an empty one. Another text is an error of the field.
func (f *Form) number(field string) int32 { return f.parse(field, f.text(field)) }

// numbers returns the numbers of check boxes.
func (f *Form) numbers(field string) (all []int32) {
	for _, text := range f.values[field] {
		all = append(all, f.parse(field, text))
	}
	return all
}

func (f *Form) parse(field, text string) int32 {
	if text == "" {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		f.Errors[field] = "수가 아닙니다."
	}
	return int32(n)
}

// clock returns the instant of a field with a time of today in Seoul; other for an empty one. Another
// text is an error of the field.
func (f *Form) clock(field string, now, other time.Time) time.Time {
	if f.text(field) == "" {
		return other
	}
	t, err := time.ParseInLocation("2006-01-02 15:04", seoul.Day(now)+" "+f.text(field), seoul.Zone)
	if err != nil {
		f.Errors[field] = "시각이 아닙니다."
	}
	return t
}

// invalid reports whether a field has an error.
func (f *Form) invalid() bool { return len(f.Errors) > 0 }

// fail adds an error of the API, and returns the status. The texts of fields that the form does not have
// are those of the whole form.
func (f *Form) fail(err error, fields ...string) int {
	p := problemOf(err)
	f.Text = p.text
	for field, text := range p.fields {
		if slices.Contains(fields, field) {
			f.Errors[field] = text
		} else {
			f.Text = strings.TrimSpace(f.Text + " " + text)
		}
	}
	if f.Text == "" {
		f.Text = "적은 내용을 확인해 주세요."
	}
	return p.status
}

// again shows the page of a form with an error of the API, whose fields are those of the form. Errors that
// the page cannot show are returned.
func (v *visit) again(f *Form, err error, name, title string, fields ...string) error {
	if !answers(err) {
		return err
	}
	v.show(f.fail(err, fields...), name, title, f)
	return nil
}

// answers reports whether an error is for the form of a page that can show it; other errors have a page
// of their own.
func answers(err error) bool {
	p := problemOf(err)
	return !p.signedOut && p.status != http.StatusInternalServerError && p.status != http.StatusNotFound
}

// An Input is a field of a form with its label.
type Input struct {
	Name, Label, Value, Error string
	Options                   map[string]string // attributes, and hint
}

// input returns an input for templates. options are pairs of names and values.
func input(f *Form, name, label string, options ...string) Input {
	i := Input{name, label, f.Value(name), f.Errors[name], map[string]string{"type": "text"}}
	for pair := range slices.Chunk(options, 2) {
		i.Options[pair[0]] = pair[1]
	}
	if i.Options["type"] == "password" {
		i.Value = ""
	}
	return i
}

// A Choice is a field of a form with some options.
type Choice struct {
	Input
	Choices []Option
}

// An Option is an option of a Choice.
type Option struct {
	Value, Label string
	Chosen       bool
}

// choice returns a choice for templates. options are pairs of values and labels.
func choice(f *Form, name, label string, options ...string) Choice {
	c := Choice{Input: input(f, name, label)}
	for pair := range slices.Chunk(options, 2) {
		c.Choices = append(c.Choices, Option{pair[0], pair[1], f.Has(name, pair[0])})
	}
	return c
}
