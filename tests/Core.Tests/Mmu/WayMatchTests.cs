using VmSim.Core.Mmu;

namespace VmSim.Core.Tests.Mmu;

/// <summary>The vector paths against each other and against one way at a time.</summary>
public sealed unsafe class WayMatchTests
{
    [Fact]
    public void By128By256By512_AtRandom_AgreeWithScalar()
    {
        Random random = new(1);
        uint* digests = stackalloc uint[16];
        byte* head = (byte*)digests;
        for (int round = 0; round < 20_000; round++)
        {
            for (int way = 0; way < 16; way++)
            {
                digests[way] = (uint)random.Next(5) << 30;
            }

            uint digest = (uint)random.Next(5) << 30;
            uint expected = WayMatch.Scalar(head, digest, 16);
            Assert.Equal(expected & 0xF, WayMatch.By128(head, digest));
            Assert.Equal(expected & 0xFF, WayMatch.By256(head, digest));
            Assert.Equal(expected, WayMatch.By512(head, digest));
            int ways = 1 + (round % 16);
            uint mask = (1u << ways) - 1;
            Assert.Equal(expected & mask, WayMatch.Of16(head, digest, ways) & mask);
        }
    }

    [Fact]
    public void Write_AnyWay_ChangesThatDigestAlone()
    {
        byte* memory = stackalloc byte[128];
        uint* digests = (uint*)(((nuint)memory + 63) & ~(nuint)63);
        for (int way = 0; way < 16; way++)
        {
            for (int i = 0; i < 16; i++)
            {
                digests[i] = (uint)i + 100;
            }

            WayMatch.Write16((byte*)digests, way, 7);
            digests[way] -= 7 - (uint)way - 100;
            WayMatch.Write4((byte*)digests, way % 4, 9);
            digests[way % 4] -= 9 - (uint)(way % 4) - 100;
            for (int i = 0; i < 16; i++)
            {
                Assert.Equal((uint)i + 100, digests[i]);
            }
        }
    }
}
