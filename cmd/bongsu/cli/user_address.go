package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/all"
)

// A credentialFlags holds the flags with the secret of an address. No command prints it.
type credentialFlags struct {
	Credential     string `placeholder:"SECRET" help:"The credential of the address, such as a token or a secret URL; prefer --credential-file, which keeps it out of the shell's history."`
	CredentialFile string `placeholder:"PATH" help:"A file with the credential and nothing else; - reads standard input."`
}

const sealedHelp = `The credential is the messenger's token, key or secret URL. Pass it by a file or by standard input to keep it out of the shell's history and the process list. It is sealed on arrival and never returned.`

func (c credentialFlags) given() bool { return c.Credential != "" || c.CredentialFile != "" }

// readFor returns the credential for an address of a messenger; "" if none is set and the
// messenger needs none.
func (c credentialFlags) readFor(name string, stdin io.Reader) (string, error) {
	if spec, ok := messenger.Find(all.Specs(), name); ok && spec.Credential.Optional && !c.given() {
		return "", nil
	}
	return c.read(stdin)
}

// read returns the credential without trailing line ends.
func (c credentialFlags) read(stdin io.Reader) (string, error) {
	switch {
	case c.Credential != "" && c.CredentialFile != "":
		return "", usagef("set the credential once: --credential or --credential-file (BONGSU_CREDENTIAL, BONGSU_CREDENTIAL_FILE)")
	case c.Credential != "":
		return c.Credential, nil
	case c.CredentialFile == "":
		return "", usagef("missing credential: use --credential-file=PATH, or --credential-file=- for standard input")
	case c.CredentialFile == "-":
		return readAll(stdin, "the credential")
	}
	file, err := os.Open(c.CredentialFile)
	if err != nil {
		return "", fmt.Errorf("read the credential: %w", err)
	}
	defer func() { _ = file.Close() }()
	return readAll(file, "the credential")
}

// readAll reads at most 1 MiB and returns it without trailing line ends. Empty input is
// an error.
func readAll(in io.Reader, what string) (string, error) {
	const most = 1 << 20 // far above the limit of any field
	text, err := io.ReadAll(io.LimitReader(in, most+1))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", what, err)
	}
	if len(text) > most {
		return "", usagef("%s is larger than 1 MiB", what)
	}
	trimmed := strings.TrimRight(string(text), "\r\n")
	if trimmed == "" {
		return "", usagef("%s is empty", what)
	}
	return trimmed, nil
}

// A rankFlag command has a flag for the address rank.
type rankFlag struct {
	Rank *int32 `placeholder:"N" help:"The address rank from 0 to 1000; failover uses lower ranks first. A new address defaults to 0, a replaced one keeps its rank."`
}

// userAddAddress is the command bongsu user add-address.
type userAddAddress struct {
	userArg
	Messenger   string `required:"" placeholder:"NAME" help:"The messenger, such as slack; see bongsu messenger list."`
	Destination string `placeholder:"TEXT" help:"The destination, such as a channel id; see bongsu messenger list for what each messenger needs."`
	rankFlag
	credentialFlags
}

// Help returns the long help.
func (userAddAddress) Help() string {
	return `A user has at most one address of each messenger.

` + sealedHelp + `

Examples:

	bongsu user add-address user1 --messenger=slack --destination=C0123456789 --credential-file=token.txt --rank=1
	bongsu user add-address user1 --messenger=inbox
	pass show slack | bongsu user add-address user1 --messenger=slack --destination=C0123456789 --credential-file=-`
}

// Run executes bongsu user add-address.
func (c userAddAddress) Run(ctx context.Context, con *console) error {
	secret, err := c.readFor(c.Messenger, con.In)
	if err != nil {
		return err
	}
	res, err := c.users().AddUserAddress(ctx, &userv1.AddUserAddressRequest{
		NickName: c.name(),
		Address:  &userv1.NewAddress{Messenger: c.Messenger, Destination: c.Destination, Credential: secret, Rank: c.Rank},
	})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { printAddress(p, c.name(), res.GetAddress()) })
}

// printAddress prints one address of a user.
func printAddress(p *page, name string, a *userv1.Address) {
	p.say("address %d of %s: %s %s, rank %d", a.GetId(), name, a.GetMessenger(), a.GetDestination(), a.GetRank())
}

// userReplaceAddress is the command bongsu user replace-address.
type userReplaceAddress struct {
	userArg
	Address     string  `arg:"" help:"The address, by its id or its messenger."`
	Messenger   string  `placeholder:"NAME" help:"The new messenger; unchanged by default."`
	Destination *string `placeholder:"TEXT" help:"The new destination, or none if empty; unchanged by default."`
	rankFlag
	credentialFlags
}

// Help returns the long help.
func (userReplaceAddress) Help() string {
	return `Replaces an address and keeps its id. The credential is required, because the stored one cannot be read back.

` + sealedHelp + `

Examples:

	bongsu user replace-address user1 slack --credential-file=new-token.txt
	bongsu user replace-address user1 7 --destination=C9876543210 --credential-file=token.txt`
}

// Run executes bongsu user replace-address.
func (c userReplaceAddress) Run(ctx context.Context, con *console) error {
	secret, err := c.readFor(cmp.Or(c.Messenger, c.Address), con.In)
	if err != nil {
		return err
	}
	old, err := c.find(ctx, c.Address)
	if err != nil {
		return err
	}
	anew := &userv1.NewAddress{Messenger: old.GetMessenger(), Destination: old.GetDestination(), Credential: secret, Rank: c.Rank}
	if c.Messenger != "" {
		anew.Messenger = c.Messenger
	}
	if c.Destination != nil {
		anew.Destination = *c.Destination
	}
	res, err := c.users().ReplaceUserAddress(ctx, &userv1.ReplaceUserAddressRequest{
		NickName: c.name(),
		Id:       old.GetId(),
		Address:  anew,
	})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { printAddress(p, c.name(), res.GetAddress()) })
}

// userRemoveAddress is the command bongsu user remove-address.
type userRemoveAddress struct {
	userArg
	Address string `arg:"" help:"The address, by its id or its messenger."`
}

// Help returns the long help.
func (userRemoveAddress) Help() string {
	return "Examples:\n\n\tbongsu user remove-address user1 slack\n\tbongsu user remove-address user1 7"
}

// Run executes bongsu user remove-address.
func (c userRemoveAddress) Run(ctx context.Context, con *console) error {
	old, err := c.find(ctx, c.Address)
	if err != nil {
		return err
	}
	res, err := c.users().RemoveUserAddress(ctx, &userv1.RemoveUserAddressRequest{NickName: c.name(), Id: old.GetId()})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { p.say("%s has no address by %s any more", c.name(), old.GetMessenger()) })
}
