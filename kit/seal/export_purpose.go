package seal

import "strings"

// ExportPurpose returns the purpose for which an exported secret of an owner is sealed. It
// opens for no other nickname, messenger or destination.
func ExportPurpose(nickname, messenger, destination string) string {
	return strings.Join([]string{"export", nickname, messenger, destination}, "\x00") // a separator that none of them can contain
}
