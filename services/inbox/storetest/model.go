package storetest

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/inbox"
)

// testModel compares the store with a model, over random calls.
func testModel(t *testing.T, s inbox.Store) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	m := &model{last: map[string]int64{}, delivered: map[int64]bool{}}
	nicknames := []string{"kim", "lee", "Ünal"}
	for step := range 150 {
		nickname := nicknames[random.IntN(len(nicknames))]
		switch id := 1 + random.Int64N(12); random.IntN(6) {
		case 0, 1, 2:
			var some []inbox.Item
			for range 1 + random.IntN(3) {
				some = append(some, delivery(1+random.Int64N(100), nickname))
				nickname = nicknames[random.IntN(len(nicknames))]
			}
			kittest.Equal(t, len(add(t, s, some...)), m.add(some))
		case 3:
			_, err := s.MarkRead(t.Context(), nickname, id, at(step))
			kittest.Equal(t, err == nil, m.mark(nickname, id, step, false))
		case 4:
			_, err := s.Archive(t.Context(), nickname, id, at(step))
			kittest.Equal(t, err == nil, m.mark(nickname, id, step, true))
		case 5:
			n, err := s.MarkAllRead(t.Context(), nickname, id, at(step))
			kittest.NoError(t, err)
			kittest.Equal(t, n, m.markAll(nickname, id, step))
		}
	}
	for _, nickname := range nicknames {
		unread := 0
		var want []inbox.Item
		for _, i := range m.items {
			if i.Nickname == nickname {
				want = append(want, i)
				if i.ReadTime.IsZero() {
					unread++
				}
			}
		}
		slices.SortFunc(want, func(a, b inbox.Item) int { return cmp.Compare(a.ID, b.ID) })
		kittest.Equal(t, after(t, s, nickname, 0, 1000), want)
		kittest.Equal(t, counts(t, s, nickname), [2]int{int(m.last[nickname]), unread})
	}
}

// A model is a store in memory.
type model struct {
	items     []inbox.Item
	last      map[string]int64
	delivered map[int64]bool
}

func (m *model) add(deliveries []inbox.Item) (n int) {
	for _, d := range deliveries {
		if m.delivered[d.DeliveryID] {
			continue
		}
		m.delivered[d.DeliveryID] = true
		m.last[d.Nickname]++
		d.ID, d.Position = m.last[d.Nickname], m.last[d.Nickname]
		m.items = append(m.items, d)
		n++
	}
	return n
}

func (m *model) mark(nickname string, id int64, step int, archive bool) bool {
	for i := range m.items {
		if item := &m.items[i]; item.Nickname == nickname && item.ID == id {
			if item.ReadTime.IsZero() {
				item.ReadTime = at(step)
			}
			item.Archived = item.Archived || archive
			return true
		}
	}
	return false
}

func (m *model) markAll(nickname string, upTo int64, step int) (n int) {
	for i := range m.items {
		if item := &m.items[i]; item.Nickname == nickname && item.ID <= upTo && item.ReadTime.IsZero() {
			item.ReadTime = at(step)
			n++
		}
	}
	return n
}
