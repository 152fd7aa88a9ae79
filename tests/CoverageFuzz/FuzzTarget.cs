namespace VmSim.CoverageFuzz;

/// <summary>A reader of what comes from outside, as fuzzing sees it: it takes bytes, or refuses them as it declares.</summary>
/// <param name="name">Its name, which is also that of its folder of seeds.</param>
/// <param name="refusals">The exceptions by which it says that an input is bad. Any other is a finding.</param>
public abstract class FuzzTarget(string name, params Type[] refusals)
{
    /// <summary>Its name.</summary>
    public string Name => name;

    /// <summary>The exceptions by which it says that an input is bad.</summary>
    public IReadOnlyList<Type> Refusals => refusals;

    /// <summary>Words of its language, which fuzzing puts together.</summary>
    public virtual IEnumerable<string> Words => [];

    /// <summary>Valid inputs to begin with.</summary>
    public virtual IEnumerable<byte[]> Seeds => SeedFiles.Of(name);

    /// <summary>Gives it an input.</summary>
    /// <returns>Whether it was used; false if it was refused.</returns>
    /// <exception cref="Finding">What came of it cannot be. Any other exception is a finding too.</exception>
    public bool Take(byte[] input)
    {
        try
        {
            Read(input);
            return true;
        }
        catch (Exception reason) when (Array.Exists(refusals, kind => kind.IsInstanceOfType(reason)))
        {
            return reason.Message.Length > 0 ? false : throw new Finding($"{name}: an input is refused without a word", reason);
        }
    }

    /// <summary>Reads an input to its end.</summary>
    protected abstract void Read(byte[] input);

    /// <summary>Sees to it that two ways to say a thing are one.</summary>
    protected static void Same(string what, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        int at = first.CommonPrefixLength(second);
        if (at < first.Length || at < second.Length)
        {
            throw new Finding($"{what}: {first.Length} and {second.Length} bytes differ from byte {at}: "
                + $"'{Piece(first, at)}' and '{Piece(second, at)}'");
        }
    }

    private static string Piece(ReadOnlySpan<byte> bytes, int at)
    {
        int from = Math.Max(0, at - 40);
        return System.Text.Encoding.Latin1.GetString(bytes[from..Math.Min(bytes.Length, at + 40)]);
    }
}
