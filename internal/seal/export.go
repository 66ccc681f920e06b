package seal

import "strings"

// ExportPurpose is the purpose for which the credential of an address is sealed
// that leaves in an export. What was sealed for it opens for this address only:
// beside another nickname, messenger or destination it is worth nothing.
func ExportPurpose(nickname, messenger, destination string) string {
	return strings.Join([]string{"export", nickname, messenger, destination}, "\x00") // which none of them can hold
}
