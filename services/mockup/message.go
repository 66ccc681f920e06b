package mockup

import "time"

// maxMessages is the maximum number of messages that the fakes hold. The oldest are
// dropped; the fakes then treat them as deleted.
const maxMessages = 100_000

// A Message is a message as users of a provider see it, after its last change.
type Message struct {
	Provider    string // name of the messenger
	Destination string // the channel, the chat or the webhook that holds it
	ID          string // the provider's, unique in Destination
	Thread      string // id of the message that it answers; empty if none
	Text        string
	State       string // the provider's, where its messages have one
	Owner       string // the credential that made it
	ChangeCount int
	form        string // what else the provider compares or checks in a change
	Time        time.Time
	UpdateTime  time.Time // of the last change
}

// A messageID identifies a message.
type messageID struct{ provider, destination, id string }

func (v *Message) key() messageID { return messageID{v.Provider, v.Destination, v.ID} }

// A messageLog holds messages by their ids and in their order.
type messageLog struct {
	byID  map[messageID]*Message
	order []*Message
	start int // number of dropped messages at the head
}

func (l *messageLog) add(v *Message) {
	if l.byID == nil {
		l.byID = map[messageID]*Message{}
	}
	if _, ok := l.byID[v.key()]; ok {
		return
	}
	l.byID[v.key()] = v
	l.order = append(l.order, v)
	if len(l.byID) > maxMessages {
		delete(l.byID, l.order[l.start].key())
		l.order[l.start] = nil
		l.start++
	}
	if l.start > len(l.order)/2 { // amortizes the copy
		l.order, l.start = append([]*Message(nil), l.order[l.start:]...), 0
	}
}

// Messages returns the messages of a provider at a destination, the oldest first. Empty
// arguments select all.
func (m *Mockup) Messages(provider, destination string) []Message {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []Message
	for _, v := range m.messages.order[m.messages.start:] {
		if (provider == "" || provider == v.Provider) && (destination == "" || destination == v.Destination) {
			all = append(all, *v)
		}
	}
	return all
}

// MessageTexts returns the texts of all messages, the oldest first.
func (m *Mockup) MessageTexts() []string {
	all := m.Messages("", "")
	texts := make([]string, len(all))
	for i, v := range all {
		texts[i] = v.Text
	}
	return texts
}

// addMessage returns the effect of a call that makes a message. If there is one with its
// id, it stays as it is.
func (m *Mockup) addMessage(v Message) func() {
	v.Time = m.Now()
	v.UpdateTime = v.Time
	v.Text = validUTF8(v.Text)
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.messages.add(&v)
	}
}

// changeMessage returns the effect of a call that changes a message to v.
func (m *Mockup) changeMessage(v Message) func() {
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if stored, ok := m.messages.byID[v.key()]; ok {
			stored.Text, stored.State, stored.form, stored.UpdateTime = validUTF8(v.Text), v.State, v.form, m.Now()
			stored.ChangeCount++
		}
	}
}

// putMessage returns the effect of a call that makes a message, or changes the one with its
// id, as clients show it.
func (m *Mockup) putMessage(v Message) func() {
	v.Time = m.Now()
	v.UpdateTime = v.Time
	v.Text = validUTF8(v.Text)
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		stored, ok := m.messages.byID[v.key()]
		if !ok {
			m.messages.add(&v)
			return
		}
		stored.Text, stored.State, stored.UpdateTime = v.Text, v.State, v.UpdateTime
		stored.ChangeCount++
	}
}

// findMessage returns a message.
func (m *Mockup) findMessage(provider, destination, id string) (Message, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if v, ok := m.messages.byID[messageID{provider, destination, id}]; ok {
		return *v, true
	}
	return Message{}, false
}
