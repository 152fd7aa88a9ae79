using System.Text;
using VmSim.Core.Settings;

namespace VmSim.Actors.Configuration;

/// <summary>
/// Reads the HOCON that settings are written in: blocks, lists, plain and quoted values, comments, dotted keys, references and includes. It
/// goes over the text once, in time and memory that the text's length bounds, and says line and column of what it cannot read.
/// </summary>
/// <remarks>
/// The language is that of lightbend/config, HOCON.md, but for what settings have no use for: blocks and lists are not joined by standing
/// side by side, and += and references to the environment are refused. Its own reader, because Akka's never ends on a list that is not
/// closed, overflows the stack on deep ones, and takes what is missing for what was meant.
/// </remarks>
internal sealed partial class HoconReader
{
    /// <summary>
    /// The longest text in characters, includes counted in: the smallest block takes 3 of them and some 200 bytes of memory.
    /// </summary>
    public const int MaxLength = ScenarioLoader.TextMax;

    /// <summary>How deep blocks and lists may nest. Settings nest 4 deep, config/akka.conf 6.</summary>
    public const int MaxDepth = 32;

    /// <summary>The longest key in characters; the longest setting has some 40.</summary>
    private const int MaxKey = 256;

    private const string NotInWords = "$\"{}[]:=,#`^?!@*&\\";
    private readonly string _text;
    private readonly string _origin;
    private readonly bool _isFile;
    private readonly HoconIncludes? _includes;
    private int _at;
    private int _line = 1;
    private int _lineStart;
    private int _depth;
    private bool _hasReferences;

    private HoconReader(string text, string origin, HoconIncludes? includes, bool isFile)
    {
        _text = text;
        _origin = origin;
        _includes = includes;
        _isFile = isFile;
    }

    /// <summary>Reads a document.</summary>
    /// <param name="text">The document.</param>
    /// <param name="origin">Its file, or the option it comes from.</param>
    /// <param name="includes">Where files are that it includes; null if it may include none.</param>
    /// <param name="isFile">Whether lines of it are worth naming.</param>
    /// <exception cref="ScenarioException">It is not HOCON.</exception>
    public static SettingsTree Read(string text, string origin, HoconIncludes? includes, bool isFile)
    {
        HoconReader reader = new(text, origin, includes, isFile);
        SettingsTree root = reader.ReadDocument();
        return reader._hasReferences ? new HoconReferences(root).Resolve() : root;
    }

    private char Next => _at < _text.Length ? _text[_at] : '\0';

    private bool AtEnd => _at >= _text.Length;

    private bool AtComment => Next == '#' || (Next == '/' && _at + 1 < _text.Length && _text[_at + 1] == '/');

    private SettingsTree ReadDocument()
    {
        if (_text.Length > MaxLength)
        {
            throw new ScenarioException($"{_origin}: {_text.Length:N0} characters found; at most {MaxLength:N0} are allowed");
        }

        SkipLines();
        SettingsTree root = Tree(null, null, Keys());
        if (Next != '{')
        {
            ReadFields(root, null);
            return root;
        }

        string open = Place();
        _at++;
        ReadFields(root, open);
        SkipLines();
        return AtEnd ? root : throw Bad($"{Found()} found after the closing brace; the text should end there");
    }

    /// <summary>
    /// Reads the fields of a block up to its closing brace, or to the end of the text if <paramref name="open"/> is null.
    /// </summary>
    private void ReadFields(SettingsTree block, string? open)
    {
        Enter();
        while (true)
        {
            SkipLines();
            if (AtEnd)
            {
                _ = open is null ? "" : throw Bad($"the text ends within the block that begins at {open}; a }} is missing");
                break;
            }

            if (Next == '}')
            {
                _ = open is not null ? open : throw Bad("} found, and no block is open here");
                _at++;
                break;
            }

            ReadField(block);
            RequireSeparator('}', open is not null);
        }

        _depth--;
    }

    private void ReadField(SettingsTree block)
    {
        int start = _at;
        List<string> path = ReadPath();
        bool quoted = _text[start] == '"';
        SkipBlanks();
        if (!quoted && path is ["include"] && (Next == '"' || char.IsAsciiLetter(Next)))
        {
            Include(block);
            return;
        }

        SkipLines();
        if (Next == '+' && _at + 1 < _text.Length && _text[_at + 1] == '=')
        {
            throw Bad("+= is not supported; write the list whole: key = [ ... ]");
        }

        if (Next is '=' or ':')
        {
            _at++;
            SkipLines();
        }
        else if (Next != '{')
        {
            throw Bad($"{Found()} found after the key {Short(string.Join('.', path))}; = or {{ is needed");
        }

        _depth += path.Count - 1;
        SettingsTree value = ReadValue();
        _depth -= path.Count - 1;
        block.Put(path, value);
    }

    private List<string> ReadPath()
    {
        List<string> path = [];
        while (true)
        {
            if (Next == '"')
            {
                path.Add(ReadQuoted());
            }
            else
            {
                int start = _at;
                while (!AtEnd && IsOfWord(Next) && Next is not ('.' or '+' or ' ' or '\t'))
                {
                    _at++;
                }

                path.Add(_at > start ? _text[start.._at] : throw Bad($"{Found()} found; a key is needed"));
            }

            if (path[^1].Length > MaxKey || path.Count + _depth > MaxDepth)
            {
                throw Bad($"a key with more than {MaxKey} characters or nested more than {MaxDepth} deep");
            }

            if (Next != '.')
            {
                return path;
            }

            _at++;
        }
    }

    private SettingsTree ReadValue()
    {
        SettingsTree? whole = null;
        StringBuilder? text = null;
        List<HoconPart>? parts = null;
        while (true)
        {
            int blanks = _at;
            SkipBlanks();
            if (AtEnd || Next is '\n' or ',' or '}' or ']' || AtComment)
            {
                break;
            }

            bool isBracket = Next is '{' or '[';
            if (whole is not null || (isBracket && text is not null))
            {
                throw Bad($"{Found()} found beside another value; a comma or a new line is needed between them");
            }

            if (isBracket)
            {
                whole = Next == '{' ? ReadBlock() : ReadList();
                continue;
            }

            text = text is null ? new StringBuilder() : text.Append(_text, blanks, _at - blanks);
            if (Next == '$')
            {
                (parts ??= []).Add(new HoconPart(text.ToString(), null, false));
                parts.Add(ReadReference());
                text.Clear();
            }
            else
            {
                text.Append(Next == '"' ? ReadQuoted() : ReadWord());
            }
        }

        if (parts is not null)
        {
            parts.Add(new HoconPart(text!.ToString(), null, false));
            return Tree(null, null, null, parts);
        }

        return whole ?? (text is not null ? Tree(text.ToString().Trim(), null, null) : throw Bad($"{Found()} found; a value is needed"));
    }

    private SettingsTree ReadBlock()
    {
        string open = Place();
        SettingsTree block = Tree(null, null, Keys());
        _at++;
        ReadFields(block, open);
        return block;
    }

    private SettingsTree ReadList()
    {
        string open = Place();
        List<SettingsTree> items = [];
        SettingsTree list = Tree(null, items, null);
        _at++;
        Enter();
        while (true)
        {
            SkipLines();
            if (AtEnd)
            {
                throw Bad($"the text ends within the list that begins at {open}; a ] is missing");
            }

            if (Next == ']')
            {
                _at++;
                _depth--;
                return list;
            }

            items.Add(ReadValue());
            RequireSeparator(']', isOpen: true);
        }
    }

    /// <summary>After a field or an item: its block or list ends, or a comma or a new line follows.</summary>
    private void RequireSeparator(char close, bool isOpen)
    {
        SkipBlanks();
        if (Next == ',')
        {
            _at++;
        }
        else if (!AtEnd && Next != '\n' && !AtComment && !(Next == close && isOpen))
        {
            throw Bad($"{Found()} found; {(isOpen ? $"{close}, " : "")}a comma or a new line is needed");
        }
    }

    private void Include(SettingsTree block)
    {
        string place = Place();
        int start = _at;
        while (!AtEnd && Next is not ('"' or '\n'))
        {
            _at++;
        }

        string form = _text[start.._at].Replace(" ", "", StringComparison.Ordinal);
        if (form is not ("" or "file(" or "required(" or "required(file(") || Next != '"')
        {
            throw Bad($"include {Short(form)}: only files can be included: include \"FILE\"");
        }

        string name = ReadQuoted();
        for (int brackets = form.Count(character => character == '('); brackets > 0; brackets--)
        {
            SkipBlanks();
            _ = Next == ')' ? _at++ : throw Bad($"{Found()} found; a ) is needed");
        }

        if (_includes is null)
        {
            throw new ScenarioException(
                $"{_origin}: {place}: include \"{Short(name)}\" found; files can be included by a scenario's file only");
        }

        HoconReader reader = _includes.Open(name, $"{_origin}: {place}");
        block.Merge(reader.ReadDocument());
        _hasReferences |= reader._hasReferences;
    }

    /// <summary>A reader of a file that is included.</summary>
    internal static HoconReader Of(string text, string path, HoconIncludes includes) => new(text, path, includes, isFile: true);

    private void Enter()
    {
        if (++_depth > MaxDepth)
        {
            throw Bad($"blocks and lists nest more than {MaxDepth} deep here");
        }
    }

    private SettingsTree Tree(
        string? text, List<SettingsTree>? items, SortedDictionary<string, SettingsTree>? keys, List<HoconPart>? parts = null) =>
        new(_origin, _isFile ? _line : 0, text, items, keys, parts);

    private static SortedDictionary<string, SettingsTree> Keys() => new(StringComparer.Ordinal);
}
