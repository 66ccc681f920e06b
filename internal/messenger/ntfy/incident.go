package ntfy

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// Priorities are from 1 to 5, 3 by default
// (https://docs.ntfy.sh/publish/#message-priority); tags are names of emojis
// (https://docs.ntfy.sh/emojis/). Ranks without an entry send no header.
var (
	priorities = map[job.Rank]string{job.Critical: "5", job.High: "4", job.Low: "2"}
	tags       = map[job.Rank]string{job.Critical: "rotating_light", job.High: "warning"}
)

// quiet is the priority of a notification without sound and vibration.
const quiet = "2"

// priorityOf returns the priority of a message. An acknowledgment makes no sound.
func priorityOf(m messenger.Message) string {
	if m.Status() == "acknowledged" {
		return quiet
	}
	return priorities[m.Rank()]
}

// tagOf returns the emoji of a message, which shows the state of an incident.
func tagOf(m messenger.Message) string {
	switch m.Status() {
	case "acknowledged":
		return "eyes"
	case "resolved":
		return "white_check_mark"
	default:
		return tags[m.Rank()]
	}
}

// An action is a button of a notification
// (https://docs.ntfy.sh/publish/#action-buttons).
type action struct {
	Action string `json:"action"`
	Label  string `json:"label"`
	URL    string `json:"url"`
}

// actionsOf returns the buttons of a message as JSON: a URL may have the separators of the
// simple format.
func actionsOf(m messenger.Message) string {
	link := m.AckLink()
	if link == "" {
		return ""
	}
	return string(call.JSON([]action{{Action: "view", Label: messenger.AckLabel, URL: link}}))
}

// sequenceID returns the sequence id of the messages of an incident, of which a server
// accepts at most 64 letters, digits, underscores and dashes; empty without an incident. The
// alert key distinguishes the incidents of several installations that publish to one topic.
func sequenceID(m messenger.Message) string {
	if m.Incident == 0 {
		return ""
	}
	sum := sha256.Sum256([]byte(strconv.FormatInt(m.Incident, 10) + "\x00" + m.AlertKey))
	return "bongsu-" + hex.EncodeToString(sum[:16])
}
