package messenger

// StatusLabel returns what a message shows of the status of its incident, beside its text,
// which a text template may have written without it: "Resolved" or "Acknowledged". It is
// empty for a firing message, and for one without an alert key.
func (m Message) StatusLabel() string {
	switch m.Status() {
	case "resolved":
		return "Resolved"
	case "acknowledged":
		return "Acknowledged"
	default:
		return ""
	}
}

// AckLabel is the label of the button, or of the link, to AckLink.
const AckLabel = "Acknowledge"

// AckLink returns the AckURL of a firing message, and "" for others: nobody acknowledges
// what is acknowledged or resolved.
func (m Message) AckLink() string {
	if m.Status() != "firing" {
		return ""
	}
	return m.AckURL
}

// AckLine returns a line with AckLink, to follow a text, for a provider without buttons. It
// is empty without AckLink.
func (m Message) AckLine() string {
	link := m.AckLink()
	if link == "" {
		return ""
	}
	return "\n\n" + AckLabel + ": " + link
}
