package inbox_test

import (
	"cmp"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	inboxv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/inbox"
)

// storedItems are new items of one inbox.
func storedItems() []inbox.StoredItem {
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	return []inbox.StoredItem{
		{Item: inbox.Item{ID: 7, Position: 7, AlertID: "3", Severity: "high", Title: "t", Text: "x", Link: "https://x/", CreateTime: at, StoreTime: at}, Before: 5},
		{Item: inbox.Item{ID: 8, Position: 8, Text: "y", Key: "k", Resolved: true}, Before: 7},
		{Item: inbox.Item{ID: 3, Position: 9, Text: "z", Acknowledged: true, Incident: 4}, Before: 8},
	}
}

// TestStoredCodec checks that a process receives the items that another one has sent, and only
// their last id if they are too large.
func TestStoredCodec(t *testing.T) {
	items := storedItems()
	data, err := inbox.EncodeStored(items)
	kittest.NoError(t, err)
	wire, positions, err := inbox.DecodeStored(data)
	kittest.NoError(t, err)
	kittest.Equal(t, positions, []int64{7, 8, 9})
	kittest.Equal(t, wire.GetLastId(), int64(9))
	kittest.Equal(t, wire.GetItems()[2].GetItem().GetId(), "3")
	kittest.Equal(t, wire.GetItems()[1].GetBefore(), int64(7))
	first := wire.GetItems()[0].GetItem()
	kittest.Equal(t, first.GetText()+first.GetLink()+first.GetSeverity(), "xhttps://x/high")
	kittest.Equal(t, first.GetStoreTime().AsTime(), items[0].StoreTime)

	items[0].Text = strings.Repeat("x", 600<<10)
	data, err = inbox.EncodeStored(items)
	kittest.NoError(t, err)
	wire, positions, err = inbox.DecodeStored(data)
	kittest.NoError(t, err)
	kittest.Equal(t, len(positions), 0)
	kittest.Equal(t, wire.GetLastId(), int64(9))
}

// TestStoredOfOlderVersion checks that an item without a position is a new one.
func TestStoredOfOlderVersion(t *testing.T) {
	data, err := proto.Marshal(&inboxv1.StoredItems{Items: []*inboxv1.StoredItem{{Item: &inboxv1.Item{Id: "7"}, Before: 6}}, LastId: 7})
	kittest.NoError(t, err)
	_, positions, err := inbox.DecodeStored(data)
	kittest.NoError(t, err)
	kittest.Equal(t, positions, []int64{7})
}

// TestInvalidStored checks that a notification that no process has sent is refused: readers pass
// ids on, and take a last one as read.
func TestInvalidStored(t *testing.T) {
	item := func(id string) []*inboxv1.StoredItem {
		return []*inboxv1.StoredItem{{Item: &inboxv1.Item{Id: id}}}
	}
	for name, wire := range map[string]*inboxv1.StoredItems{
		"id is a word":       {Items: item("x"), LastId: 7},
		"no id":              {Items: item(""), LastId: 7},
		"id with a sign":     {Items: item("+7"), LastId: 7},
		"id with a zero":     {Items: item("07"), LastId: 7},
		"id 0":               {Items: item("0"), LastId: 7},
		"id below 0":         {Items: item("-7"), LastId: 7},
		"no last id":         {Items: item("7")},
		"last id is another": {Items: item("7"), LastId: 8},
		"last id below 0":    {LastId: -1},
		"ids descend":        {Items: append(item("7"), item("6")...), LastId: 7},
		"before is the id":   {Items: []*inboxv1.StoredItem{{Item: &inboxv1.Item{Id: "7"}, Before: 7}}, LastId: 7},
		"position below id":  {Items: []*inboxv1.StoredItem{{Item: &inboxv1.Item{Id: "7", Position: "6"}}}, LastId: 6},
		"position is a word": {Items: []*inboxv1.StoredItem{{Item: &inboxv1.Item{Id: "7", Position: "x"}}}, LastId: 7},
		"positions descend": {Items: []*inboxv1.StoredItem{
			{Item: &inboxv1.Item{Id: "1", Position: "9"}}, {Item: &inboxv1.Item{Id: "2", Position: "8"}},
		}, LastId: 8},
		"before is below 0": {Items: []*inboxv1.StoredItem{{Item: &inboxv1.Item{Id: "7"}, Before: -1}}, LastId: 7},
	} {
		t.Run(name, func(t *testing.T) {
			data, err := proto.Marshal(wire)
			kittest.NoError(t, err)
			if got, _, err := inbox.DecodeStored(data); err == nil {
				t.Errorf("decoded: %v", got)
			}
		})
	}
}

// FuzzDecodeStored checks that a notification is an error, or has items in the order of their
// positions, and is the same when it is sent again.
func FuzzDecodeStored(f *testing.F) {
	data, err := inbox.EncodeStored(storedItems())
	kittest.NoError(f, err)
	f.Add(data)
	f.Add([]byte{0x0a, 0xff})
	f.Add([]byte{0x10, 0x07})
	f.Fuzz(func(t *testing.T, data []byte) {
		wire, positions, err := inbox.DecodeStored(data)
		if err != nil {
			if len(wire.GetItems()) > 0 || wire.GetLastId() != 0 {
				t.Errorf("%v with error %v", wire, err)
			}
			return
		}
		read := int64(0)
		for i, item := range wire.GetItems() {
			position := cmp.Or(item.GetItem().GetPosition(), item.GetItem().GetId())
			if positions[i] <= read || position != strconv.FormatInt(positions[i], 10) || item.GetBefore() < 0 || item.GetBefore() >= positions[i] {
				t.Errorf("item %d has the position %d: %v", i, positions[i], item)
			}
			read = positions[i]
		}
		if len(positions) > 0 && wire.GetLastId() != read || wire.GetLastId() < 0 {
			t.Errorf("the last id is %d, that of the last item %d", wire.GetLastId(), read)
		}
		sent, err := proto.Marshal(wire)
		kittest.NoError(t, err)
		again, _, err := inbox.DecodeStored(sent)
		kittest.NoError(t, err)
		if !proto.Equal(again, wire) {
			t.Errorf("%v became %v", wire, again)
		}
	})
}
