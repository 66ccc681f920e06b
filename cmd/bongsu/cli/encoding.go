package cli

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/unicode"
)

// encodings are the values of --encoding. Windows' CP949 is what the web platform calls
// EUC-KR: EUC-KR extended with more syllables.
var encodings = map[string]encoding.Encoding{
	"utf-16":   unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
	"utf-16le": unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
	"utf-16be": unicode.UTF16(unicode.BigEndian, unicode.UseBOM),
	"cp949":    korean.EUCKR,
	"euc-kr":   korean.EUCKR,
}

// decodeToUTF8 decodes a file into UTF-8 without a byte order mark. Without a name the file
// must be UTF-8, or UTF-16 with a byte order mark; otherwise the error names the likely
// encoding. No error quotes the file.
func decodeToUTF8(text []byte, name string) ([]byte, error) {
	if name == "" {
		if !bytes.HasPrefix(text, []byte{0xff, 0xfe}) && !bytes.HasPrefix(text, []byte{0xfe, 0xff}) {
			return checkUTF8Text(text)
		}
		name = "utf-16"
	}
	if name == "utf-8" {
		return checkUTF8Text(text)
	}
	decoded, err := decode(text, name)
	if err != nil {
		return nil, fmt.Errorf("the file is not %s: %w", strings.ToUpper(name), err)
	}
	return withoutMark(decoded), nil
}

// checkUTF8Text returns a text that is UTF-8, or an error that names its likely encoding.
func checkUTF8Text(text []byte) ([]byte, error) {
	if looksUTF16(text, 1) {
		return nil, errors.New("the file looks like UTF-16 (little endian) without a byte order mark: use --encoding=utf-16le, or save it as UTF-8")
	}
	if looksUTF16(text, 0) {
		return nil, errors.New("the file looks like UTF-16 (big endian) without a byte order mark: use --encoding=utf-16be, or save it as UTF-8")
	}
	if utf8.Valid(text) {
		return withoutMark(text), nil
	}
	line := invalidLine(text)
	if _, err := decode(text, "cp949"); err == nil {
		return nil, fmt.Errorf("line %d: the file is not UTF-8; it looks like CP949 (EUC-KR): use --encoding=cp949, or save it as UTF-8", line)
	}
	return nil, fmt.Errorf("line %d: the file is not UTF-8, UTF-16 or CP949: save it as UTF-8", line)
}

// decode returns a text as UTF-8, or an error if it is not in the encoding.
func decode(text []byte, name string) ([]byte, error) {
	if strings.HasPrefix(name, "utf-16") && len(text)%2 != 0 {
		return nil, errors.New("it has an odd number of bytes")
	}
	decoded, err := encodings[name].NewDecoder().Bytes(text)
	if err != nil {
		return nil, err
	}
	if i := bytes.IndexRune(decoded, utf8.RuneError); i >= 0 { // a replacement character means an invalid sequence; only UTF-16 can encode one
		return nil, fmt.Errorf("line %d has an invalid character", 1+bytes.Count(decoded[:i], []byte("\n")))
	}
	return decoded, nil
}

// looksUTF16 reports whether a text begins like ASCII in UTF-16: in each of the first 4
// byte pairs the byte at index zero is 0 and the other is not.
func looksUTF16(text []byte, zero int) bool {
	const pairs = 4
	if len(text) < 2*pairs {
		return false
	}
	for i := range pairs {
		if text[2*i+zero] != 0 || text[2*i+1-zero] == 0 {
			return false
		}
	}
	return true
}

// invalidLine returns the line of the first byte that is not UTF-8.
func invalidLine(text []byte) int {
	line := 1
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 {
			break
		}
		if r == '\n' {
			line++
		}
		text = text[size:]
	}
	return line
}

// withoutMark returns a text without the UTF-8 byte order mark that spreadsheets write.
func withoutMark(text []byte) []byte { return bytes.TrimPrefix(text, []byte("\ufeff")) }
