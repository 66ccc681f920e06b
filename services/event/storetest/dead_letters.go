package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/event"
)

// RunDeadLetters runs the suite of dead letters against a store. Each call of open returns an
// empty one, which is closed when the test ends.
func RunDeadLetters(t *testing.T, open func(t *testing.T) event.DeadLetters) {
	for name, test := range map[string]func(*testing.T, event.DeadLetters){
		"dead letters":        testDeadLetters,
		"repeated letters":    testRepeatedLetters,
		"pages":               testLetterPages,
		"letters of a rule":   testLettersOfRule,
		"any bytes":           testLetterBytes,
		"no letters at all":   testNoLetters,
		"letters are deleted": testDeleteLetters,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// letter returns a dead letter with a key and a rule.
func letter(key, rule string) event.DeadLetter {
	return event.DeadLetter{Key: key, Rule: rule, Event: []byte(`{"id":"` + key + `"}`), Reason: "no field " + key, CreateTime: now}
}

// list returns the dead letters that a query selects.
func list(t *testing.T, s event.DeadLetters, q event.DeadLetterQuery) []event.DeadLetter {
	t.Helper()
	letters, err := s.DeadLetters(t.Context(), q)
	kittest.NoError(t, err)
	return letters
}

// keys returns the keys of dead letters.
func keys(letters []event.DeadLetter) string {
	text := ""
	for _, l := range letters {
		text += l.Key
	}
	return text
}

func testDeadLetters(t *testing.T, s event.DeadLetters) {
	a, b := letter("a", "paid"), letter("b", "")
	b.CreateTime = now.Add(time.Microsecond)
	kittest.NoError(t, s.AddDeadLetters(t.Context(), []event.DeadLetter{a, b}))
	got := list(t, s, event.DeadLetterQuery{Limit: 10})
	kittest.Equal(t, len(got), 2)
	if got[0].ID <= got[1].ID || got[1].ID <= 0 {
		t.Errorf("ids %d, %d", got[0].ID, got[1].ID)
	}
	a.ID, b.ID = got[1].ID, got[0].ID
	kittest.Equal(t, got, []event.DeadLetter{b, a})
	byID, err := s.DeadLettersByID(t.Context(), []int64{b.ID, a.ID, 1 << 40})
	kittest.NoError(t, err)
	kittest.Equal(t, byID, []event.DeadLetter{a, b})
}

// testRepeatedLetters stores a dead letter again, also twice in one call: there is one, with
// the last reason.
func testRepeatedLetters(t *testing.T, s event.DeadLetters) {
	first := letter("a", "paid")
	kittest.NoError(t, s.AddDeadLetters(t.Context(), []event.DeadLetter{first}))
	again := first
	again.Reason, again.CreateTime = "another reason", now.Add(time.Hour)
	kittest.NoError(t, s.AddDeadLetters(t.Context(), []event.DeadLetter{letter("b", ""), again, again}))
	got := list(t, s, event.DeadLetterQuery{Limit: 10})
	kittest.Equal(t, keys(got), "ba")
	first.ID, first.Reason = got[1].ID, "another reason"
	kittest.Equal(t, got[1], first)
	n, err := s.CountDeadLetters(t.Context())
	kittest.NoError(t, err)
	kittest.Equal(t, n, 2)
}

func testLetterPages(t *testing.T, s event.DeadLetters) {
	var letters []event.DeadLetter
	for i := range 7 {
		letters = append(letters, letter(fmt.Sprint(i), "r"))
	}
	kittest.NoError(t, s.AddDeadLetters(t.Context(), letters))
	seen, q := "", event.DeadLetterQuery{Limit: 3}
	for page := list(t, s, q); len(page) > 0; page = list(t, s, q) {
		seen += keys(page) + " "
		q.Before = page[len(page)-1].ID
	}
	kittest.Equal(t, seen, "654 321 0 ")
}

func testLettersOfRule(t *testing.T, s event.DeadLetters) {
	kittest.NoError(t, s.AddDeadLetters(t.Context(), []event.DeadLetter{letter("a", "x"), letter("b", "y"), letter("c", "x"), letter("d", "")}))
	kittest.Equal(t, keys(list(t, s, event.DeadLetterQuery{Rule: "x", Limit: 10})), "ca")
	kittest.Equal(t, keys(list(t, s, event.DeadLetterQuery{Rule: "x", Limit: 1})), "c")
	kittest.Equal(t, keys(list(t, s, event.DeadLetterQuery{Rule: "z", Limit: 10})), "")
}

// testLetterBytes stores an event that is no text.
func testLetterBytes(t *testing.T, s event.DeadLetters) {
	l := letter("a", "")
	l.Event = []byte{0, 0xff, '\'', '\n'}
	kittest.NoError(t, s.AddDeadLetters(t.Context(), []event.DeadLetter{l}))
	kittest.Equal(t, list(t, s, event.DeadLetterQuery{Limit: 1})[0].Event, l.Event)
}

func testNoLetters(t *testing.T, s event.DeadLetters) {
	kittest.NoError(t, s.AddDeadLetters(t.Context(), nil))
	kittest.NoError(t, s.DeleteDeadLetters(t.Context(), nil))
	kittest.NoError(t, s.DeleteDeadLetters(t.Context(), []int64{7}))
	kittest.Equal(t, len(list(t, s, event.DeadLetterQuery{Limit: 10})), 0)
	byID, err := s.DeadLettersByID(t.Context(), nil)
	kittest.NoError(t, err)
	kittest.Equal(t, len(byID), 0)
}

func testDeleteLetters(t *testing.T, s event.DeadLetters) {
	kittest.NoError(t, s.AddDeadLetters(t.Context(), []event.DeadLetter{letter("a", ""), letter("b", ""), letter("c", "")}))
	got := list(t, s, event.DeadLetterQuery{Limit: 10})
	kittest.NoError(t, s.DeleteDeadLetters(t.Context(), []int64{got[0].ID, got[2].ID}))
	kittest.Equal(t, keys(list(t, s, event.DeadLetterQuery{Limit: 10})), "b")
	kittest.NoError(t, s.AddDeadLetters(t.Context(), []event.DeadLetter{letter("a", "")}))
	if again := list(t, s, event.DeadLetterQuery{Limit: 1})[0]; again.Key != "a" || again.ID <= got[0].ID {
		t.Errorf("a new dead letter has the id %d, after %d", again.ID, got[0].ID)
	}
}
