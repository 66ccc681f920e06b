package seal

import "strings"

// ExportPurpose returns the purpose for which an exported secret of an owner is sealed. It
// opens for no other name, service or address.
func ExportPurpose(name, service, address string) string {
	return strings.Join([]string{"export", name, service, address}, "\x00") // a separator that none of them can contain
}
