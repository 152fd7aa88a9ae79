using VmSim.Core.Paging;
using VmSim.Core.State;

namespace VmSim.Core.Tests.State;

public sealed unsafe class NativeBlockTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(100, 64)]
    [InlineData(1 << 20, 4096)]
    public void Block_IsZeroedAlignedAndWritable(int bytes, int alignment)
    {
        using NativeBlock block = new((nuint)bytes, (nuint)alignment);
        Assert.Equal((nuint)bytes, block.Bytes);
        Assert.Equal((nuint)0, (nuint)block.Start & (nuint)(alignment - 1));
        Assert.Equal(-1, block.Span.IndexOfAnyExcept((byte)0));
        block.Span.Fill(0xA5);
        Assert.Equal(0xA5, block.Start[bytes - 1]);
    }

    [Fact]
    public void Alignment_NoPowerOfTwo_IsRefused() => Assert.Throws<ArgumentOutOfRangeException>(() => new NativeBlock(8, 3));

    [Fact]
    public void Size_BeyondTheHost_IsRefused() => Assert.ThrowsAny<Exception>(() => new NativeBlock(nuint.MaxValue, 64));

    [Fact]
    public void Dispose_Twice_FreesOnce()
    {
        NativeBlock block = new(64, 64);
        block.Dispose();
        block.Dispose();
        Assert.True(block.Start is null);
        Assert.Equal(0, block.Span.Length);
    }

    [Fact]
    public void PageTable_DisposedTwice_FreesOnce()
    {
        PageTable table = new(PageTableFormats.X64);
        table.Dispose();
        table.Dispose();
        Assert.Equal(0, table.NativeBytes);
    }
}
