package rpc

// checkJSON returns an error if data, a message in JSON, has more values than the limit, or
// is nested too deep. It allocates nothing. Malformed JSON is left to the decoder.
func (l sizeLimit) checkJSON(data []byte) error {
	var inList [maxDepth + 1]bool // by depth
	depth, messages, scalars := 0, 0, 0
	for i := 0; i < len(data); i++ {
		switch b := data[i]; b {
		case '{', '[':
			if depth++; depth > maxDepth {
				return errDepth
			}
			inList[depth] = b == '['
			messages++
		case '}', ']':
			depth = max(depth-1, 0)
		case ' ', '\t', '\r', '\n', ',', ':':
		case '"':
			for i++; i < len(data) && data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
			if inList[depth] {
				scalars++
			}
		default: // a number, true, false or null
			for i+1 < len(data) && !endsLiteral(data[i+1]) {
				i++
			}
			if inList[depth] {
				scalars++
			}
		}
		if messages > 2*l.messages { // lists are counted as well
			return l.errMessages()
		}
		if scalars > l.scalars {
			return l.errScalars()
		}
	}
	return nil
}

// endsLiteral reports whether a byte ends a number, true, false or null.
func endsLiteral(b byte) bool {
	switch b {
	case ' ', '\t', '\r', '\n', ',', ':', '{', '}', '[', ']', '"':
		return true
	}
	return false
}
