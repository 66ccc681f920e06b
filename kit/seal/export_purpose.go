package seal

import "strings"

// ExportPurpose returns the purpose for which the credential of an exported address is
// sealed. It opens for this address only: with another nickname, messenger or
// destination it is useless.
func ExportPurpose(nickname, messenger, destination string) string {
	return strings.Join([]string{"export", nickname, messenger, destination}, "\x00") // a separator that none of them can contain
}
