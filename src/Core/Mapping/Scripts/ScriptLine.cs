using System.Globalization;

namespace VmSim.Core.Mapping.Scripts;

/// <summary>A line of an operation script is not an operation.</summary>
/// <param name="script">What the script is called; null for a script that is the only one.</param>
/// <param name="line">The line, from 1; comments and blank lines count.</param>
/// <param name="message">What was found and what is allowed.</param>
public sealed class ScriptException(string? script, int line, string message) : Exception(
    $"{(script is null ? "" : $"{script}: ")}line {line}: {message}")
{
    /// <summary>The line, from 1; comments and blank lines count.</summary>
    public int Line { get; } = line;
}

/// <summary>The words of a line, read one after the other.</summary>
internal sealed class ScriptLine(string? script, int number, string text)
{
    private readonly string[] _words = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
    private int _next = 1;

    public string Operation => _words[0];

    public bool HasMore => _next < _words.Length;

    public ulong Number(string name)
    {
        string word = Word(name);
        bool hex = word.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        return ulong.TryParse(
            hex ? word[2..] : word, hex ? NumberStyles.AllowHexSpecifier : NumberStyles.None, CultureInfo.InvariantCulture, out ulong value)
            ? value
            : throw Wrong($"{name} is '{word}'; it must be a decimal or 0x-hexadecimal number of up to 64 bits");
    }

    public byte Flags(string name)
    {
        ulong value = Number(name);
        return value <= byte.MaxValue ? (byte)value : throw Wrong($"{name} is 0x{value:x}; it must be at most 0xff");
    }

    public bool Choice(string name)
    {
        string word = Word(name);
        return word switch
        {
            "0" => false,
            "1" => true,
            _ => throw Wrong($"{name} is '{word}'; it must be 0 or 1"),
        };
    }

    public ScriptBackend Backend()
    {
        string word = Word("BACKEND");
        if (word.StartsWith("linear:", StringComparison.Ordinal))
        {
            string offset = word["linear:".Length..];
            return new ScriptBackend(
                ScriptEntryKind.Linear, new ScriptLine(script, number, "linear " + offset).Number("the offset of linear"));
        }

        return word switch
        {
            "lazy" => new ScriptBackend(ScriptEntryKind.Lazy, 0),
            "mock" => new ScriptBackend(ScriptEntryKind.Mock, 0),
            _ => throw Wrong($"BACKEND is '{word}'; it must be linear:OFFSET, lazy or mock"),
        };
    }

    public void End()
    {
        if (HasMore)
        {
            throw Wrong($"'{_words[_next]}' is one word too many for {Operation}");
        }
    }

    public ScriptException Wrong(string message) => new(script, number, message);

    private string Word(string name) => HasMore ? _words[_next++] : throw Wrong($"{Operation} lacks {name}");
}
