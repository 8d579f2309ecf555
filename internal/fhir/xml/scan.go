package xml

import "bytes"

// scan walks over the tags before anything is made of them, so that no document
// takes more memory than its length and these bounds allow. It returns the number
// of tags. What is not well formed it leaves to the decoder.
func scan(src []byte) (tags int, err error) {
	for {
		at := bytes.IndexByte(src, '<')
		if at < 0 {
			return tags, nil
		}
		src = src[at:]
		end := ""
		switch {
		case bytes.HasPrefix(src, []byte("<!--")):
			src, end = src[4:], "-->"
		case bytes.HasPrefix(src, []byte("<![CDATA[")):
			src, end = src[9:], "]]>"
		case bytes.HasPrefix(src, []byte("<?")):
			end = "?>"
		case bytes.HasPrefix(src, []byte("<!")):
			return tags, errDirective
		}
		if end != "" {
			if at = bytes.Index(src, []byte(end)); at < 0 {
				return tags, errForm
			}
			src = src[at+len(end):]
			continue
		}
		if tags++; tags > maxBundleTags {
			return tags, errLarge
		}
		if src, err = skipTag(src); err != nil {
			return tags, err
		}
	}
}

// skipTag returns what stands behind the tag at the start of src.
func skipTag(src []byte) ([]byte, error) {
	for n := 0; ; n++ {
		at := bytes.IndexAny(src, `"'>`)
		switch {
		case at < 0:
			return nil, errForm
		case src[at] == '>':
			return src[at+1:], nil
		case n == maxAttributes:
			return nil, errLarge
		}
		end := bytes.IndexByte(src[at+1:], src[at])
		if end < 0 {
			return nil, errForm
		}
		src = src[at+end+2:]
	}
}
