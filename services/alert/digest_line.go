package alert

import (
	"strings"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// maxDigestLine is the maximum length of a line of a digest, in bytes.
const maxDigestLine = 200

// DigestLine returns the line of the alert in a digest: the first line of its text, without text
// templates.
func (a Alert) DigestLine() string {
	line, _, _ := strings.Cut(a.Text(), "\n")
	line, _ = messenger.Truncate(strings.TrimRight(line, " \t\r"), maxDigestLine, messenger.ByteLen)
	return line
}
