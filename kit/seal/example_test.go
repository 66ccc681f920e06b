package seal_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/bongsu-project/bongsu/kit/seal"
)

// library is the format of the key files of these tests.
var library = seal.FileFormat{VersionField: "librarySealKey", Label: "library fingerprints", Command: "library key make"}

// keyFile creates a seal key file. The caller must call remove.
func keyFile() (path string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "seal")
	if err != nil {
		return "", nil, err
	}
	path = filepath.Join(dir, "seal.key")
	return path, func() { _ = os.RemoveAll(dir) }, library.CreateKeyFile(path)
}

// A secret opens only for the owner that it was sealed for.
func ExampleKeyring_SealForOwner() {
	path, remove, err := keyFile()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer remove()
	keys, err := library.ReadKeyFile(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	kim := seal.Owner{Name: "kim", Service: "slack", Address: "C123"}
	sealed, err := keys.SealForOwner("token", kim)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(keys.OpenForOwner(sealed, kim))
	_, err = keys.OpenForOwner(sealed, seal.Owner{Name: "lee", Service: "slack", Address: "C123"})
	fmt.Println(err)
	// Output:
	// token <nil>
	// credential cannot be opened: sealed for another address, or damaged
}

// After a rotation the new key seals, and the old one still opens.
func ExampleFileFormat_RotateKeyFile() {
	path, remove, err := keyFile()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer remove()
	keys, err := library.ReadKeyFile(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	old, err := keys.Seal("token", "billing")
	if err != nil {
		fmt.Println(err)
		return
	}
	added, err := library.RotateKeyFile(path, time.Now())
	_, reloaded := keys.Reload()
	fmt.Println(errors.Join(err, reloaded), keys.Primary() == added)
	fmt.Println(keys.Open(old, "billing"))
	// Output:
	// <nil> true
	// token <nil>
}

// A fingerprint recognizes a secret without revealing it.
func ExampleKeyring_Fingerprint() {
	path, remove, err := keyFile()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer remove()
	keys, err := library.ReadKeyFile(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	first := keys.Fingerprint("billing", "token")
	fmt.Println(len(first), first == keys.Fingerprint("billing", "token"), first == keys.Fingerprint("mail", "token"))
	// Output: 32 true false
}
