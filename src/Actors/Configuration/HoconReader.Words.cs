using System.Globalization;
using System.Text;
using VmSim.Core.Settings;

namespace VmSim.Actors.Configuration;

/// <summary>What stands between brackets: words, texts in quotes, references, blanks and comments.</summary>
internal sealed partial class HoconReader
{
    private const string NoNull = "a text in quotes with U+0000 found; no name and no path has one";

    private HoconPart ReadReference()
    {
        string place = Place();
        int end = _text.IndexOf('}', _at);
        if (_at + 1 >= _text.Length || _text[_at + 1] != '{' || end < 0 || end - _at > MaxKey)
        {
            throw Bad("$ found; write a reference as ${key}, or put the value in quotes");
        }

        string path = _text[(_at + 2)..end];
        bool isOptional = path.StartsWith('?');
        _at = end + 1;
        _hasReferences = true;
        return new HoconPart(isOptional ? path[1..].Trim() : path.Trim(), $"{_origin}: {place}", isOptional);
    }

    private string ReadWord()
    {
        int start = _at;
        while (!AtEnd && IsOfWord(Next) && !AtComment && Next is not (' ' or '\t'))
        {
            _at++;
        }

        return _at > start ? _text[start.._at] : throw Bad($"{Found()} found in a value; put the value in quotes");
    }

    private string ReadQuoted()
    {
        string open = Place();
        if (string.CompareOrdinal(_text, _at, "\"\"\"", 0, 3) == 0)
        {
            return ReadTripleQuoted(open);
        }

        StringBuilder text = new();
        for (_at++; Next != '"'; _at++)
        {
            if (AtEnd || Next == '\n')
            {
                throw Bad($"the text in quotes that begins at {open} is not closed on its line; a \" is missing");
            }

            char character = Next == '\\' ? ReadEscape() : Next;
            text.Append(character != '\0' ? character : throw Bad(NoNull));
        }

        _at++;
        return text.ToString();
    }

    private string ReadTripleQuoted(string open)
    {
        int start = _at + 3;
        int end = _text.IndexOf("\"\"\"", start, StringComparison.Ordinal);
        if (end < 0)
        {
            throw Bad($"the text in three quotes that begins at {open} is not closed; \"\"\" is missing");
        }

        while (_at < end)
        {
            Step();
        }

        _at = end + 3;
        string text = _text[start..end];
        return !text.Contains('\0', StringComparison.Ordinal) ? text : throw Bad(NoNull);
    }

    /// <summary>The character that an escape stands for; the place is left at the escape's last character.</summary>
    private char ReadEscape()
    {
        _at++;
        const string Letters = "\"\\/bfnrt";
        const string Meant = "\"\\/\b\f\n\r\t";
        int index = AtEnd ? -1 : Letters.IndexOf(Next, StringComparison.Ordinal);
        if (index >= 0)
        {
            return Meant[index];
        }

        if (Next == 'u' && _at + 4 < _text.Length
            && ushort.TryParse(_text.AsSpan(_at + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort code))
        {
            _at += 4;
            return (char)code;
        }

        throw Bad("a \\ in quotes found; after it one of \" \\ / b f n r t, or u with four hexadecimal digits, is needed");
    }

    private static bool IsOfWord(char character) => character >= ' ' && !NotInWords.Contains(character, StringComparison.Ordinal);

    private void SkipBlanks()
    {
        while (Next is ' ' or '\t' or '\r' or '\u00A0' or '\uFEFF')
        {
            _at++;
        }
    }

    /// <summary>Skips blanks, ends of lines and comments.</summary>
    private void SkipLines()
    {
        while (!AtEnd)
        {
            SkipBlanks();
            if (AtComment)
            {
                int end = _text.IndexOf('\n', _at);
                _at = end < 0 ? _text.Length : end;
            }
            else if (Next == '\n')
            {
                Step();
            }
            else
            {
                return;
            }
        }
    }

    private void Step()
    {
        if (_text[_at++] == '\n')
        {
            _line++;
            _lineStart = _at;
        }
    }

    private string Place() => $"line {_line}, column {_at - _lineStart + 1}";

    private string Found() => AtEnd ? "the end of the text" : Next switch
    {
        '\n' => "the end of the line",
        < ' ' => $"a control character (U+{(int)Next:X4})",
        _ => $"{Next}",
    };

    private static string Short(string text) => text.Length > 60 ? text[..60] + "..." : text;

    private ScenarioException Bad(string what) => new(_isFile ? $"{_origin}: {Place()}: {what}" : $"{_origin}: {what}");
}
