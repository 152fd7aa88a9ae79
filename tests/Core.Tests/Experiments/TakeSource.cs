using VmSim.Core.Experiments;

namespace VmSim.Core.Tests.Experiments;

/// <summary>The first accesses of a source, then its end.</summary>
internal sealed class TakeSource(AccessSource source, int count) : AccessSource
{
    private int _left = count;

    public override int Read(Span<SourceAccess> block)
    {
        int read = source.Read(block[..Math.Min(_left, block.Length)]);
        _left -= read;
        return read;
    }
}

internal static class TakeSourceExtensions
{
    public static AccessSource Take(this AccessSource source, int count) => new TakeSource(source, count);
}
