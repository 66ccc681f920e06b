package store

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"slices"
	"sort"

	"github.com/bongsu-project/bongsu/services/access"
)

// The data of a batch is its entries, the latest first, each as the difference to the one before,
// because the entries of a caller are alike:
//
//	data   = version (1 byte), entry…, CRC-32C of all that precedes (4 bytes)
//	entry  = changed (1 byte), time, id (a text), text…
//	time   = microseconds since 1970 (a varint) in the first entry, later how many it is earlier
//	         than the entry before (a uvarint)
//	text   = length of the prefix that it shares with the text before (1 byte), length of the rest
//	         (a uvarint), the rest
//
// Bit i of changed is set if the text i of entryTexts differs from that of the entry before; only
// those texts follow. Varints are those of encoding/binary, other numbers are big-endian.
const (
	batchVersion = 1
	checksumSize = 4
	hashSize     = 4   // of a resource
	maxShared    = 255 // bytes of a shared prefix
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)

	errBatchChecksum = errors.New("invalid checksum")
	errBatchVersion  = errors.New("unknown version of its data; a newer release wrote it")
	errBatchData     = errors.New("invalid data")
)

// entryTexts are the texts of an entry beside its id and its caller.
func entryTexts(e *access.AuditEntry) [7]*string {
	return [...]*string{&e.CallerName, &e.Address, &e.Procedure, &e.Resource, &e.Outcome, &e.RequestID, &e.TraceID}
}

// A batchEncoder encodes the entries of a batch. Its zero value is ready to use.
type batchEncoder struct {
	data     []byte
	previous *access.AuditEntry // nil before the first entry
	micros   int64              // of previous
}

// add adds an entry at a time. Its place must be after that of the entry before: latest first,
// those of one moment by id, the highest first. The entry must not change until finish.
func (b *batchEncoder) add(micros int64, e *access.AuditEntry) {
	previous := b.previous
	if previous == nil {
		previous = &access.AuditEntry{}
		b.data = append(b.data[:0], batchVersion)
	}
	changed := len(b.data)
	b.data = append(b.data, 0)
	if b.previous == nil {
		b.data = binary.AppendVarint(b.data, micros)
	} else {
		b.data = binary.AppendUvarint(b.data, uint64(b.micros)-uint64(micros))
	}
	b.data = appendText(b.data, previous.ID, e.ID)
	before := entryTexts(previous)
	for i, text := range entryTexts(e) {
		if *text != *before[i] {
			b.data[changed] |= 1 << i
			b.data = appendText(b.data, *before[i], *text)
		}
	}
	b.previous, b.micros = e, micros
}

// finish returns the data of the entries. The next entry is the first of another batch.
func (b *batchEncoder) finish() []byte {
	b.previous = nil
	return binary.BigEndian.AppendUint32(slices.Clone(b.data), crc32.Checksum(b.data, castagnoli))
}

// appendText appends a text by its difference to the text before.
func appendText(data []byte, before, text string) []byte {
	shared, most := 0, min(len(before), len(text), maxShared)
	for shared < most && before[shared] == text[shared] {
		shared++
	}
	data = append(data, byte(shared))
	data = binary.AppendUvarint(data, uint64(len(text)-shared))
	return append(data, text[shared:]...)
}

// A batchDecoder decodes the entries of a batch, without their caller.
type batchDecoder struct {
	rest   []byte
	entry  access.AuditEntry // the last one that next decoded
	micros int64             // its time
	count  int               // the number of entries that next decoded
	err    error             // why next returned false; nil at the end
}

// newBatchDecoder returns a decoder of data, or an error if the data was changed since it was
// encoded.
func newBatchDecoder(data []byte) (*batchDecoder, error) {
	if len(data) < 1+checksumSize {
		return nil, errBatchData
	}
	body, checksum := data[:len(data)-checksumSize], data[len(data)-checksumSize:]
	if crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(checksum) {
		return nil, errBatchChecksum
	}
	if body[0] != batchVersion {
		return nil, errBatchVersion
	}
	return &batchDecoder{rest: body[1:]}, nil
}

// next decodes the next entry. It returns false at the end and after an error.
func (d *batchDecoder) next() bool {
	if d.err != nil || len(d.rest) == 0 {
		return false
	}
	if !d.decode() {
		d.err = errBatchData
		return false
	}
	d.count++
	return true
}

// decode reports whether the next entry is valid, and after the one before in the order of a batch.
func (d *batchDecoder) decode() bool {
	changed := d.rest[0]
	d.rest = d.rest[1:]
	if changed >= 1<<len(entryTexts(&d.entry)) {
		return false
	}
	micros, id := d.micros, d.entry.ID
	if !d.decodeTime() || !d.decodeText(&d.entry.ID) || d.count > 0 && d.micros == micros && d.entry.ID >= id {
		return false
	}
	for i, text := range entryTexts(&d.entry) {
		if changed&(1<<i) != 0 && !d.decodeText(text) {
			return false
		}
	}
	d.entry.Time = moment(d.micros)
	return true
}

func (d *batchDecoder) decodeTime() bool {
	if d.count == 0 {
		micros, n := binary.Varint(d.rest)
		if n <= 0 {
			return false
		}
		d.micros, d.rest = micros, d.rest[n:]
		return true
	}
	earlier, ok := d.decodeNumber()
	micros := int64(uint64(d.micros) - earlier)
	if !ok || micros > d.micros || earlier > math.MaxInt64 {
		return false
	}
	d.micros = micros
	return true
}

func (d *batchDecoder) decodeNumber() (uint64, bool) {
	number, n := binary.Uvarint(d.rest)
	if n <= 0 {
		return 0, false
	}
	d.rest = d.rest[n:]
	return number, true
}

// decodeText replaces a text by the one that follows it.
func (d *batchDecoder) decodeText(text *string) bool {
	if len(d.rest) == 0 {
		return false
	}
	shared := int(d.rest[0])
	d.rest = d.rest[1:]
	length, ok := d.decodeNumber()
	if !ok || shared > len(*text) || length > uint64(len(d.rest)) {
		return false
	}
	*text = (*text)[:shared] + string(d.rest[:length])
	d.rest = d.rest[length:]
	return true
}

// resourceHash returns the hash by which batches are searched for a resource.
func resourceHash(resource []byte) uint32 { return crc32.Checksum(resource, castagnoli) }

// encodeHashes sorts hashes and returns them without duplicates.
func encodeHashes(hashes []uint32) []byte {
	slices.Sort(hashes)
	hashes = slices.Compact(hashes)
	encoded := make([]byte, 0, hashSize*len(hashes))
	for _, hash := range hashes {
		encoded = binary.BigEndian.AppendUint32(encoded, hash)
	}
	return encoded
}

// hasHash reports whether a hash is among encoded ones.
func hasHash(encoded []byte, hash uint32) (bool, error) {
	if len(encoded)%hashSize != 0 {
		return false, errBatchData
	}
	at := func(i int) uint32 { return binary.BigEndian.Uint32(encoded[hashSize*i:]) }
	count := len(encoded) / hashSize
	i := sort.Search(count, func(i int) bool { return at(i) >= hash })
	return i < count && at(i) == hash, nil
}
