#!/usr/bin/env python3
"""A corpus from the texts of Debian packages that were unpacked into FOLDER/NAME (`apt-get download`, `dpkg-deb -x`):

    corpus.py FOLDER CORPUS.jsonl HELDOUT.jsonl

Each line is an object with text, pkg and path, sorted by path; every 50th text goes to the second file. Mark-up is taken
off, a text that came before is left out, and long flat files are cut into texts of 20 kB. The same files give the same
lines. Absent: getting the packages; crates/attribution/data/README.md names those of the table of words.
"""
import gzip, hashlib, html, json, os, re, sys

DROPPED = re.compile(r'<(script|style|head|nav)\b.*?</\1\s*>', re.S | re.I)
TAG, SPACES, LINES = re.compile(r'<[^>]*>'), re.compile(r'[ \t\r\f\v]+'), re.compile(r'\n\s*\n+')
MACRO = re.compile(r"^\.[A-Za-z]{1,3} ?", re.M)
HTML = ('.html', '.htm', '.xhtml')
TEXT = HTML + ('.txt', '.rst', '.pod', '.md')
BYTES_MAX, FLAT_MAX, PIECE = 20_000_000, 400_000, 20_000


def is_text(path):
    file = os.path.basename(path)
    name = file[:-3] if file.endswith(('.gz', '.dz')) else file
    return (name.endswith(TEXT) or '/man/' in path or path.endswith('.dict.dz') or '/_sources/' in path
            or '/wordnet/' in path and name.startswith('data.')
            or '/games/fortunes/' in path and '.' not in file
            or path.endswith('.dat') and 'bible' in path) and not ('linux-doc' in path and path.endswith('.html'))


def texts(path):
    opened = gzip.open if path.endswith(('.gz', '.dz')) else open
    try:
        with opened(path, 'rb') as file:
            text = file.read(BYTES_MAX).decode('utf-8', 'ignore')
    except OSError:
        return
    name = path[:-3] if path.endswith(('.gz', '.dz')) else path
    if name.endswith(HTML):
        text = html.unescape(TAG.sub(' ', DROPPED.sub(' ', text)))
    elif '/man/' in name:
        text = MACRO.sub('', re.sub(r'\\f[BIRP]|\\&', '', text).replace('\\-', '-'))
    text = LINES.sub('\n\n', SPACES.sub(' ', text)).strip().replace('\x00', '')
    if len(text) < 200:
        return
    if len(text) <= FLAT_MAX or name.endswith(HTML):
        yield '', text
        return
    start = number = 0
    while start < len(text):
        end = text.find('\n', min(start + PIECE, len(text))) + 1 or len(text)
        yield f'#{number}', text[start:end]
        start, number = end, number + 1


def main(folder, corpus, heldout):
    paths = [os.path.join(at, name) for at, _, names in os.walk(folder) for name in names]
    seen, kept = set(), 0
    with open(corpus, 'w', encoding='utf-8') as indexed, open(heldout, 'w', encoding='utf-8') as others:
        for path in sorted(path for path in paths if not os.path.islink(path) and is_text(path)):
            inside = os.path.relpath(path, folder)
            for suffix, text in texts(path):
                key = hashlib.blake2b(text.encode(), digest_size=16).digest()
                if key in seen:
                    continue
                seen.add(key)
                kept += 1
                line = {'text': text, 'pkg': inside.split('/')[0], 'path': inside + suffix}
                print(json.dumps(line, ensure_ascii=False), file=indexed if kept % 50 else others)


if __name__ == '__main__':
    main(*sys.argv[1:])
