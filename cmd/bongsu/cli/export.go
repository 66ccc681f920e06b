package cli

import (
	"bytes"
	"context"
	"fmt"

	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/internal/sealkey"
	"github.com/bongsu-project/bongsu/kit/seal"
)

// exportCmd is the command bongsu export.
type exportCmd struct {
	client
	Format      string `default:"yaml" enum:"yaml,csv" help:"The output format: yaml or csv."`
	WithSecrets bool   `help:"Include the sealed credentials, which can be imported for the same addresses under the same seal key."`
	OpenWith    string `type:"path" placeholder:"FILE" help:"The seal key file of the service, with which credentials are opened locally and written in the clear."`
}

// Help returns the long help.
func (exportCmd) Help() string {
	return `Writes a snapshot of the directory. Importing it again changes nothing. An import of an export without --with-secrets keeps the stored credentials.

The service never returns a credential in the clear. With its seal key file, sealed credentials can be opened locally: --with-secrets --open-with=FILE. Protect such an export like the key.

Examples:

	bongsu export > people.yaml
	bongsu export --format=csv > people.csv
	(umask 077; bongsu export --with-secrets > backup.yaml)`
}

// Run executes bongsu export.
func (c exportCmd) Run(ctx context.Context, con *console) error {
	if c.OpenWith != "" && !c.WithSecrets {
		return usagef("--open-with opens credentials: add --with-secrets")
	}
	var key *seal.Keyring
	if c.OpenWith != "" {
		var err error
		if key, err = sealkey.Format.ReadKeyFile(c.OpenWith); err != nil {
			return err
		}
	}
	res, err := c.transfers().ExportDirectory(ctx, &userv1.ExportDirectoryRequest{WithSecrets: c.WithSecrets})
	if err != nil {
		return err
	}
	if key != nil {
		if err := openAll(key, res); err != nil {
			return err
		}
	}
	if c.JSON {
		return con.showJSON(res)
	}
	write := writeYAML
	if c.Format == "csv" {
		write = writeCSV
	}
	var out bytes.Buffer
	if err := write(&out, importFile{res.GetUsers(), res.GetGroups()}); err != nil {
		return err
	}
	_, err = con.Out.Write(out.Bytes())
	return err
}

// openAll replaces the sealed credentials with opened ones.
func openAll(key *seal.Keyring, res *userv1.ExportDirectoryResponse) error {
	for _, u := range res.GetUsers() {
		for _, a := range u.GetAddresses() {
			secret, err := key.Open(a.GetSealedCredential(), seal.ExportPurpose(u.GetNickName(), a.GetMessenger(), a.GetDestination()))
			if err != nil {
				return fmt.Errorf("%s is not the seal key of this service: %w", key, err)
			}
			a.Credential, a.SealedCredential = secret, nil
		}
	}
	return nil
}
