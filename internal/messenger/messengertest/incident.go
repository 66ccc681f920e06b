package messengertest

import "github.com/bongsu-project/bongsu/internal/messenger"

// AckURL is the page of acknowledgment of IncidentMessages. Its secret must be in no outcome.
const AckURL = "https://bongsu.example/ack/3?expires=1,2;3&token=SECRET-ack-token"

// IncidentMessages returns the messages of one incident at one address, in their order:
// firing, acknowledged, firing again and resolved. Their Previous is empty.
func IncidentMessages(credential, destination string) []messenger.Message {
	of := func(delivery int64, text string) messenger.Message {
		return messenger.Message{
			DeliveryID: delivery, AlertID: delivery, Credential: credential, Destination: destination, Time: Noon,
			Text: text, Severity: "critical", AlertKey: "db1/disk", Incident: 3,
		}
	}
	firing, acknowledged := of(7, "[critical] disk full"), of(8, "[critical] acknowledged: disk full")
	again, resolved := of(9, "[critical] disk full for an hour"), of(10, "[critical] resolved: disk full")
	firing.AckURL, again.AckURL = AckURL, AckURL
	acknowledged.Acknowledged, resolved.Resolved = true, true
	again.Reply = true
	return []messenger.Message{firing, acknowledged, again, resolved}
}
