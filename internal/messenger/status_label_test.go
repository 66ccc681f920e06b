package messenger

import "testing"

func TestStatusLabel(t *testing.T) {
	const link = "https://bongsu.example/ack"
	for want, m := range map[[2]string]Message{
		{"", ""}:             {AckURL: link, Resolved: true}, // without an alert key
		{"", link}:           {AckURL: link, AlertKey: "k"},
		{"Resolved", ""}:     {AckURL: link, AlertKey: "k", Resolved: true, Acknowledged: true},
		{"Acknowledged", ""}: {AckURL: link, AlertKey: "k", Acknowledged: true},
	} {
		if got := [2]string{m.StatusLabel(), m.AckLink()}; got != want {
			t.Errorf("%+v: %q, want %q", m, got, want)
		}
		if line := m.AckLine(); (line == "") != (want[1] == "") || line != "" && line != "\n\nAcknowledge: "+link {
			t.Errorf("line %q", line)
		}
	}
}
